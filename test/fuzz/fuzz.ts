/**
 * `npm run fuzz -- --inputs N --seed S`: inputs by grammar against the product, and what must hold of each.
 *
 * Pure code is checked in processes of this machine, and a share of the inputs (4 %, `--workerd`) in workerd. A failure is
 * printed with its seed and number, which give it again: `npm run fuzz -- --seed S --first NUMBER --inputs 1 --workerd 0`. With `--only document --only http`
 * these kinds and no others are checked in process.
 */
import { parseArgs } from "node:util";
import { Report } from "./report.ts";
import { checkInputs } from "./shards.ts";
import { checkInWorkerd } from "./workerd.ts";

const number = (text: string) => ({ type: "string", default: text }) as const;
const { values } = parseArgs({
  options: {
    inputs: number("20000"),
    seed: number("1"),
    first: number("0"),
    processes: number("2"),
    workerd: number("0.04"),
    only: { type: "string", multiple: true, default: [] },
  },
});
const [inputs, seed, first, processes, share] = [values.inputs, values.seed, values.first, values.processes, values.workerd].map(
  Number,
) as [number, number, number, number, number];

const inWorkerd = Math.round(inputs * share);
const report = new Report(seed);
let checked = 0;
const startedAtMs = performance.now();
// A run that is ended early has told what it found.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => end(1));
const failed = report.failed.bind(report);
const kinds = new URL("kinds/all.ts", import.meta.url);
checked = await checkInputs({ seed, first, count: inputs - inWorkerd }, { kinds, processes, failed, only: values.only });
if (inWorkerd > 0) await checkInWorkerd({ seed, first, count: inWorkerd }, failed);
end(report.hasFailures ? 1 : 0);

function end(exitCode: number): void {
  console.log(report.text({ inProcess: checked, inWorkerd, seconds: (performance.now() - startedAtMs) / 1000 }));
  process.exit(exitCode);
}
