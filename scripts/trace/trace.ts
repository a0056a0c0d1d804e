/**
 * The way of one request, as a list of the functions that run: a part of `docs/architecture.md`, written by `npm run trace`.
 *
 * A test compares the part with what runs, and holds how many files and lines a request may cross.
 */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { writePart } from "../../bench/parts.ts";
import type { Step, Trace } from "./request.ts";

/** Where the list is. */
export const PAGE = "docs/architecture.md";

/** Sends a no-op request, and says what ran. */
export function traceRequest(): Trace {
  const program = fileURLToPath(new URL("request.ts", import.meta.url));
  return JSON.parse(execFileSync(process.execPath, [program], { encoding: "utf8" })) as Trace;
}

/** The part of the page. */
export function listOf({ steps, lines }: Trace): string {
  const visits = visitsOf(steps);
  const width = Math.max(...visits.map(({ file }) => file.length));
  const list = visits.map(({ file, names }) => `${file.padEnd(width)}  ${[...names].join(", ")}`);
  const functions = new Set(steps.map(({ file, name }) => `${file} ${name}`)).size;
  return [`${functions} functions in ${Object.keys(lines).length} files:`, "", "```text paths", ...list, "```"].join("\n");
}

/** Steps that follow each other in one file. */
function visitsOf(steps: readonly Step[]): { readonly file: string; readonly names: Set<string> }[] {
  const visits: { file: string; names: Set<string> }[] = [];
  for (const { file, name } of steps) {
    const last = visits.at(-1);
    if (last?.file === file) last.names.add(name);
    else visits.push({ file, names: new Set([name]) });
  }
  return visits;
}

if (import.meta.main) writePart("trace", listOf(traceRequest()), PAGE);
