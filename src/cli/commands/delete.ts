import { createInterface } from "node:readline/promises";
import type { Command, Io } from "../command.ts";
import { EXIT, Failure } from "../failure.ts";
import { connect, URL_OPTION } from "../operator/connect.ts";
import { noApplication } from "./status.ts";

/** Takes an application away. */
export const remove: Command = {
  name: "delete",
  summary: "Delete an application, until the next apply or deploy.",
  args: [{ name: "<app>", summary: "the application" }],
  options: [URL_OPTION, { flags: "-y, --yes", summary: "do not ask" }],
  examples: ["edge-serve delete old", "edge-serve delete old --yes --url https://my-app.my-account.workers.dev"],
  run: async ({ args: [app = ""], options }, io) => {
    const client = connect(options, io);
    if (options["yes"] !== true) {
      const question = `Delete application ${JSON.stringify(app)} at ${client.origin}?`;
      if (!(await confirm(question, "Pass --yes.", io))) throw new Failure("Nothing was deleted.");
    }
    if (!(await client.remove(app))) throw noApplication(app, Object.keys((await client.status()).applications));
    io.out(`Application ${JSON.stringify(app)} is being deleted: its replicas finish what they have. Its objects' data is kept.\n`);
    return EXIT.ok;
  },
};

/** Asks a person at the terminal; anything but yes is no. Throws a `Failure` where nobody can answer. */
async function confirm(question: string, cure: string, io: Io): Promise<boolean> {
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
