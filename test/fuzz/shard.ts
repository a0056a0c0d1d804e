/**
 * A process that checks inputs in process, range after range, for `shards.ts`, which kills it when it hangs.
 *
 * Which input is being checked is in a file, because a process that hangs sends no messages.
 */
import { openSync, writeSync } from "node:fs";
import { checkRange, type Range } from "./range.ts";
import { type Failure, failureOf } from "./failure.ts";
import type { Kind } from "./kind.ts";

/** From the process: a failure, or the end of the range that it was given. */
export type ShardMessage = { readonly failure: Failure } | { readonly done: true };

const [, , file = "", module = ""] = process.argv;
const { KINDS } = (await import(module)) as { readonly KINDS: readonly Kind[] };
const progress = openSync(file, "r+");
const mark = new Uint32Array(1);
let current = 0;

function send(message: ShardMessage): void {
  process.send!(message);
}

function begins(index: number): void {
  current = index;
  mark[0] = index + 1;
  writeSync(progress, mark, 0, 4, 0);
}

for (const event of ["uncaughtException", "unhandledRejection"] as const)
  process.on(event, (thrown: unknown) => send({ failure: failureOf(event, current, thrown, "(an input before or at this number)") }));

// Whoever started it may be killed, and there is nobody to tell then.
process.on("disconnect", () => process.exit());

process.on("message", (range: Range) => {
  void checkRange(KINDS, range, { begins, failed: (failure) => send({ failure }) }).then(() => {
    mark[0] = 0;
    writeSync(progress, mark, 0, 4, 0);
    send({ done: true });
  });
});
