/**
 * Measures what README.md says of time and memory, on the texts of data/: node examples/snippet-language/measure.mjs
 *
 * Times are CPU time of this process, the least of several rounds that take turns, because other programs slow both alike.
 */
import { readFileSync } from "node:fs";
import { guesslang, lande } from "./models/networks.ts";
import { bytePairs, letterNgrams } from "./tokens.ts";

const SIZES = [1, 2, 4, 8, 16, 32];
const ROUNDS = 25;
const read = (file) => JSON.parse(readFileSync(new URL(file, import.meta.url), "utf8"));
const cpuMs = () => process.cpuUsage().user / 1000;
const kinds = {
  code: { load: () => guesslang(read("models/code.json")), tokensOf: bytePairs, texts: read("data/code.json") },
  prose: { load: () => lande(read("models/prose.json")), tokensOf: letterNgrams, texts: read("data/prose.json") },
};

function least(work, repeats) {
  const startedAtMs = cpuMs();
  for (let repeat = 0; repeat < repeats; repeat++) work();
  return (cpuMs() - startedAtMs) / repeats;
}

function inBatches(model, rows, size) {
  for (let at = 0; at + size <= rows.length; at += size) model.classify(rows.slice(at, at + size));
}

for (const [kind, { load, tokensOf, texts }] of Object.entries(kinds)) {
  globalThis.gc?.();
  const before = process.memoryUsage();
  const startedAtMs = cpuMs();
  const model = load();
  const loadMs = cpuMs() - startedAtMs;
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  const megabytes = (heapUsed + arrayBuffers - before.heapUsed - before.arrayBuffers) / 1e6;

  const rows = texts.slice(0, 160).map(({ text }) => tokensOf(text));
  const best = { tokens: Number.POSITIVE_INFINITY, ...Object.fromEntries(SIZES.map((size) => [size, Number.POSITIVE_INFINITY])) };
  for (let round = 0; round < ROUNDS; round++) {
    for (const size of SIZES) best[size] = Math.min(best[size], least(() => inBatches(model, rows, size), 4) / rows.length);
    best.tokens = Math.min(best.tokens, least(() => texts.forEach(({ text }) => tokensOf(text)), 1) / texts.length);
  }
  console.log(`${kind}: loaded in ${loadMs.toFixed(0)} ms, ${megabytes.toFixed(1)} MB; features ${best.tokens.toFixed(3)} ms a text`);
  for (const size of SIZES) {
    console.log(`  batch of ${size}: ${best[size].toFixed(3)} ms a text, ${(best[1] / best[size]).toFixed(2)} times as fast as one by one`);
  }
}
