/**
 * `npm run bench:watching`: what metrics and logs cost a system of 10 deployments and 100 replicas, in requests, rows and bytes.
 *
 * Prints its part of `docs/cost.md`, and writes it there. With `--quick` it measures for less time, and writes nothing. A full run
 * takes about three minutes.
 */
import { parseArgs } from "node:util";
import { writePart } from "./parts.ts";
import { measure } from "./watching/measure.ts";
import { pageOf } from "./watching/page.ts";

const { values } = parseArgs({ options: { quick: { type: "boolean", default: false } } });
// A working replica tells each 40 s: three times in two minutes. What is new is told at once, so that is over first.
const found = await measure(values.quick ? { warmMs: 5000, measuredMs: 45_000 } : { warmMs: 60_000, measuredMs: 120_000 });
const page = pageOf(found, `${new Date().toISOString().slice(0, 10)}: node ${process.versions.node}`);
console.log(page);
if (!values.quick) writePart("bench:watching", page, "docs/cost.md");
