/**
 * `npm run fuzz -- --inputs N --seed S`: inputs by grammar against the product, and what must hold of each.
 *
 * Pure code is checked in processes of this machine, the rest in workerd. A failure is printed with its seed and number,
 * which give it again: `npm run fuzz -- --seed S --first NUMBER --inputs 1`.
 */
import { parseArgs } from "node:util";
import type { Failure } from "./failure.ts";
import { checkInputs } from "./shards.ts";

const { values } = parseArgs({
  options: {
    inputs: { type: "string", default: "20000" },
    seed: { type: "string", default: "1" },
    first: { type: "string", default: "0" },
    processes: { type: "string", default: "2" },
  },
});
const [count, seed, first, processes] = [values.inputs, values.seed, values.first, values.processes].map(Number) as [number, number, number, number];

const sorts = new Map<string, { count: number; shortest: Failure }>();
function failed(failure: Failure): void {
  const known = sorts.get(failure.sort);
  if (known === undefined) console.log(`FAIL ${failure.sort} (seed ${seed}, number ${failure.index})`);
  if (known === undefined) sorts.set(failure.sort, { count: 1, shortest: failure });
  else if (failure.index !== known.shortest.index || failure.input.length >= known.shortest.input.length) known.count++;
  if (known !== undefined && failure.input.length < known.shortest.input.length) known.shortest = failure;
}

const startedAtMs = performance.now();
await checkInputs({ seed, first, count }, processes, failed);
for (const [sort, { count, shortest }] of sorts)
  console.log(`\n${sort}\n  seen ${count} times; seed ${seed}, number ${shortest.index}\n  ${shortest.detail.replaceAll("\n", "\n  ")}\n  input: ${shortest.input}`);
console.log(`\n${count} inputs, seed ${seed}: ${sorts.size} sorts of failure, ${((performance.now() - startedAtMs) / 1000).toFixed(1)} s`);
if (sorts.size > 0) process.exitCode = 1;
