import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

/**
 * Where a timer of the platform's may be cleared, and why that is not once a request of a Durable Object, which keeps memory
 * for each.
 */
const CLEARED: Readonly<Record<string, string>> = {
  "src/context/with-timeout.ts": "`after`: in a Worker, whose timers go with the request, and in Node",
  "durable-objects/control-plane.ts": "orders of a controller, and questions of the operator's",
  "src/cli": "Node",
  "src/testing": "Node",
};

const files = ["src", "durable-objects"].flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => join(folder, file)),
);

it("no other file clears a timer of the platform: what a request waits for is told to `after`", () => {
  const clearing = files.filter((file) => /\bclearTimeout\b/.test(readFileSync(file, "utf8")));
  const allowed = Object.keys(CLEARED);
  expect(clearing.filter((file) => !allowed.some((place) => file === place || file.startsWith(`${place}/`)))).toEqual([]);
  expect(allowed.filter((place) => !clearing.some((file) => file.startsWith(place)))).toEqual([]);
});

it("nothing that runs in replicas only has `after` from the platform, whose timers are not shared", () => {
  const importing = files.filter((file) => /import \{[^}]*\bafter\b[^}]*\} from "[^"]*with-timeout\.ts"/.test(readFileSync(file, "utf8")));
  expect(importing.toSorted()).toEqual([
    "durable-objects/inline.ts",
    "src/batching/batch.ts",
    "src/handle/handle.ts",
    "src/ingress/deadline.ts",
    "src/ingress/divided.ts",
    "src/ingress/isolate-traffic.ts",
    "src/ingress/keyed-target.ts",
    "src/ingress/sending.ts",
    "src/local/run-local.ts",
  ]);
});
