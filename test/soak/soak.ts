/**
 * `npm run soak -- --requests N`: whether memory or objects grow with the requests that were served. Needs Linux.
 *
 * workerd on its own, a load of mixed kinds with 100,000 different session ids, keys and model ids, and a sample of the memory
 * after a collection every so many requests. A fifth of the run is warm-up and not counted. `--only calls,batched` sends these kinds
 * and no others: where growth comes from.
 *
 * `--objects` asks the same of a keyed deployment with 100,000 keys, each an object. The platform keeps an object for 10 s after its last
 * request, so the load rests before each sample.
 *
 * The process grows a little whatever it runs, so a Worker without edge-serve is measured too, and edge-serve may not add to that.
 */
import { parseArgs } from "node:util";
import { measure, type Subject } from "./measure.ts";
import { faultsOf, MIN_REQUESTS, textOf } from "./verdict.ts";

/** What is soaked, what it is compared with, and how many objects there are in the end. */
interface Comparison {
  readonly bare: Subject;
  readonly ours: Subject;
  /** Missing where not every object is woken. */
  readonly expectedObjects?: number;
}

const { values } = parseArgs({
  options: {
    requests: { type: "string", default: "1000000" },
    only: { type: "string", default: "" },
    objects: { type: "boolean", default: false },
  },
});
const requests = Number(values.requests);
const CONTROL_PLANE = ["EdgeServeController", "EdgeServeConfig"];

const mixed: Comparison = {
  bare: { main: new URL("apps/bare.ts", import.meta.url), classes: ["Bare"], requests: requests / 2, only: "http" },
  ours: {
    main: new URL("apps/system.ts", import.meta.url),
    classes: ["main__Front", "main__Worker", "models__Models", ...CONTROL_PLANE],
    requests,
    only: values.only,
  },
  // The replicas of `apps/system.ts`, a controller for each application, and the configuration. Some kinds alone don't wake every object.
  ...(values.only === "" ? { expectedObjects: 2 + 3 + 3 + 2 + 1 } : {}),
};
/** Between two rests: each object that is awake has three files open, and more than 20,000 end workerd. */
const OBJECTS_AT_ONCE = 5000;
const rested = { only: "objects", restMs: 20_000 };
const samplesOf = (calls: number) => Math.max(8, Math.ceil(calls / OBJECTS_AT_ONCE));
const objects: Comparison = {
  bare: {
    ...rested,
    main: new URL("apps/bare-objects.ts", import.meta.url),
    classes: ["Bare"],
    requests: requests / 2,
    samples: samplesOf(requests / 2),
  },
  ours: {
    ...rested,
    main: new URL("apps/objects.ts", import.meta.url),
    classes: ["main__Front", "main__Counter", ...CONTROL_PLANE],
    requests,
    samples: samplesOf(requests),
    asked: "/main/asked",
  },
};

const comparison = values.objects ? objects : mixed;
console.log("A Worker without edge-serve:");
const bare = await measure(comparison.bare);
console.log("edge-serve:");
const ours = await measure(comparison.ours);
console.log(
  Object.entries(ours.sent)
    .map(([kind, count]) => `${kind} ${count}`)
    .join(", "),
);
const { expectedObjects = ours.objects } = comparison;
console.log(`Heap after a collection: ${textOf(ours.heap)}; without edge-serve ${textOf(bare.heap)}`);
console.log(`Anonymous memory of the process: ${textOf(ours.anonymous)}; without edge-serve ${textOf(bare.anonymous)}`);
console.log(
  `Durable Objects with something stored: ${ours.objects}${comparison.expectedObjects === undefined ? "" : `, expected ${expectedObjects}`}`,
);
if (ours.askedEachSecond !== undefined) console.log(`The controller was asked ${ours.askedEachSecond.toFixed(2)} times a second`);
if (requests < MIN_REQUESTS) console.log(`Fewer than ${MIN_REQUESTS} requests: the slopes are shown, and not judged.`);
const faults = faultsOf({ ...ours, wrong: [...bare.wrong, ...ours.wrong], requests, expectedObjects, bare: bare.anonymous });
for (const fault of faults) console.error(fault);
console.log(faults.length === 0 ? "Passed." : "Failed.");
if (faults.length > 0) process.exitCode = 1;
