import * as serve from "edge-serve";
import { Classifier } from "./classifier.ts";
import { Detector, router } from "./detector.ts";
import { Features } from "./features.ts";

const features = serve.deployment(Features).bind();
// Requests go to the replica that has their model, and to the other one when that is full.
const classifier = serve.deployment(Classifier, { numReplicas: 2, userConfig: { maxBatchSize: 32, batchWaitTimeoutMs: 2 } }).bind();

const detector = serve.deployment(serve.ingress(router)(Detector), { requestTimeoutMs: 10_000 });

export const app = detector.bind(features, classifier);
