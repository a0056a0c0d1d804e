import { createInterface } from "node:readline/promises";
import type { Io } from "../command.ts";
import { Failure } from "../failure.ts";

/** Asks a person at the terminal; anything but yes is no. Throws a `Failure` where nobody can answer. */
export async function confirm(question: string, cure: string, io: Io): Promise<boolean> {
  if (process.stdin.isTTY !== true) throw new Failure(`${question} Cannot prompt: stdin is not a terminal. ${cure}`);
  io.err(`${question} [y/N] `);
  // Not as a terminal: that would take Ctrl-C for itself.
  const lines = createInterface({ input: process.stdin, terminal: false });
  try {
    const ended = new Promise<string>((resolve) => lines.once("close", () => resolve("")));
    const answer = await Promise.race([lines.question("", { signal: io.signal }), ended]);
    return /^y(es)?$/i.test(answer.trim());
  } catch {
    // Ctrl-C aborts the question.
    return false;
  } finally {
    lines.close();
  }
}
