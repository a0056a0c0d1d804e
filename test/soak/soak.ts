/**
 * `npm run soak -- --requests N`: whether memory or objects grow with the requests that were served. Needs Linux.
 *
 * workerd on its own, a load of mixed kinds with 100,000 different session ids, keys and model ids, and a sample of the memory
 * after a collection every so many requests. A fifth of the run is warm-up and not counted. `--only calls,batched` sends these kinds
 * and no others: where growth comes from.
 *
 * The process grows a little whatever it runs, so a Worker without edge-serve is measured too, and edge-serve may not add to that.
 */
import { parseArgs } from "node:util";
import { measure } from "./measure.ts";
import { faultsOf, MIN_REQUESTS, textOf } from "./verdict.ts";

/** The replicas of `apps/system.ts`, a controller for each application, and the configuration. */
const EXPECTED_OBJECTS = 2 + 3 + 3 + 2 + 1;

const { values } = parseArgs({ options: { requests: { type: "string", default: "1000000" }, only: { type: "string", default: "" } } });
const requests = Number(values.requests);

console.log("A Worker without edge-serve:");
const bare = await measure({ main: new URL("apps/bare.ts", import.meta.url), classes: ["Bare"], requests: requests / 2, only: "http" });
console.log("edge-serve:");
const ours = await measure({
  main: new URL("apps/system.ts", import.meta.url),
  classes: ["main__Front", "main__Worker", "models__Models", "EdgeServeController", "EdgeServeConfig"],
  requests,
  only: values.only,
});
console.log(
  Object.entries(ours.sent)
    .map(([kind, count]) => `${kind} ${count}`)
    .join(", "),
);
console.log(`Heap after a collection: ${textOf(ours.heap)}; without edge-serve ${textOf(bare.heap)}`);
console.log(`Anonymous memory of the process: ${textOf(ours.anonymous)}; without edge-serve ${textOf(bare.anonymous)}`);
console.log(`Durable Objects: ${ours.objects}, expected ${EXPECTED_OBJECTS}`);
if (requests < MIN_REQUESTS) console.log(`Fewer than ${MIN_REQUESTS} requests: the slopes are shown, and not judged.`);
// Some kinds alone don't wake every object.
const expectedObjects = values.only === "" ? EXPECTED_OBJECTS : ours.objects;
const faults = faultsOf({ ...ours, wrong: [...bare.wrong, ...ours.wrong], requests, expectedObjects, bare: bare.anonymous });
for (const fault of faults) console.error(fault);
console.log(faults.length === 0 ? "Passed." : "Failed.");
if (faults.length > 0) process.exitCode = 1;
