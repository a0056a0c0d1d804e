import { stringify } from "yaml";
import type { Command } from "../command.ts";
import { EXIT } from "../failure.ts";
import { connect, URL_OPTION } from "../operator/connect.ts";
import { noApplication } from "./status.ts";

/** Shows the configuration that is in force. */
export const config: Command = {
  name: "config",
  summary: "Print the configuration that is in force, as a config file that edge-serve apply takes.",
  args: [{ name: "[app]", summary: "one application (default: all)" }],
  options: [URL_OPTION, { flags: "--json", summary: "print JSON" }],
  examples: ["edge-serve config", "edge-serve config > now.yaml", "edge-serve config main --json"],
  run: async ({ args: [app], options }, io) => {
    const { applications, ...rest } = await connect(options, io).config();
    const shown = applications.filter(({ name }) => app === undefined || name === app);
    if (app !== undefined && shown.length === 0) {
      throw noApplication(
        app,
        applications.map(({ name }) => name),
      );
    }
    const document = { ...rest, applications: shown };
    io.out(options["json"] === true ? `${JSON.stringify(document, null, 2)}\n` : stringify(document));
    if (shown.length < applications.length) {
      io.err(`This is 1 of ${applications.length} applications. Applied by itself, it takes the others away.\n`);
    }
    return EXIT.ok;
  },
};
