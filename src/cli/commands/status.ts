import type { StatusDocument } from "../../protocol/status.ts";
import type { Command } from "../command.ts";
import { EXIT, Failure } from "../failure.ts";
import { connect, URL_OPTION } from "../operator/connect.ts";
import { statusTable } from "../operator/status-table.ts";

/** The command `status`: shows application status. */
export const status: Command = {
  name: "status",
  summary: "Show application status. Exits with 0 if all are RUNNING, else with 1.",
  args: [{ name: "[app]", summary: "one application (default: all)" }],
  options: [URL_OPTION, { flags: "--json", summary: "print what the operator's API answered" }],
  examples: ["edge-serve status", "edge-serve status main --url https://my-app.my-account.workers.dev", "edge-serve status --json"],
  run: async ({ args: [app], options }, io) => {
    const client = connect(options, io);
    // A system that runs older code says nothing of routes.
    const { applications, routes = {} } = await client.status();
    const shown = Object.values(applications).filter(({ name }) => app === undefined || name === app);
    if (app !== undefined && shown.length === 0) throw noApplication(app, Object.keys(applications));
    if (options["json"] === true) io.out(`${JSON.stringify(app === undefined ? { applications, routes } : shown[0], null, 2)}\n`);
    else io.out(shown.length === 0 ? `There are no applications at ${client.origin}.\n` : `${statusTable(shown, namedIn(routes, app))}\n`);
    return shown.every((one) => one.status === "RUNNING") ? EXIT.ok : EXIT.failed;
  },
};

function namedIn(routes: StatusDocument["routes"], app: string | undefined): StatusDocument["routes"] {
  return Object.fromEntries(Object.entries(routes).filter(([, { split }]) => app === undefined || Object.hasOwn(split, app)));
}

/** What to say about a name that no application has. */
export function noApplication(app: string, known: readonly string[]): Failure {
  return new Failure(`Application ${JSON.stringify(app)} does not exist. Available: ${known.join(", ") || "none"}.`);
}
