import * as serve from "edge-serve";
import { Facts } from "./facts.ts";
import { Language } from "./language.ts";
import { Spam } from "./spam.ts";
import { router, Triage } from "./triage.ts";

const language = serve.deployment(Language).bind();
const spam = serve.deployment(Spam, { userConfig: { junkFrom: 0.9, reviewFrom: 0.5 } }).bind();
// By far the heaviest: a few at a time in a replica, and as many replicas as its load asks for in serve.yaml.
const facts = serve.deployment(Facts, { maxOngoingRequests: 4 }).bind();

const triage = serve.deployment(serve.ingress(router)(Triage), { requestTimeoutMs: 10_000 });

export const app = triage.bind(language, spam, facts);
