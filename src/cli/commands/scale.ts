import { MAX_REPLICAS } from "../../protocol/limits.ts";
import type { Command } from "../command.ts";
import { EXIT, Failure } from "../failure.ts";
import { connect, URL_OPTION } from "../operator/connect.ts";

const PAIR = /^([A-Za-z][\w-]*)\/([A-Za-z][\w-]*)=(\d+)$/;

/** Sets numbers of replicas by hand. */
export const scale: Command = {
  name: "scale",
  summary: "Set replica counts of deployments that are not autoscaled, until the next apply or deploy.",
  args: [{ name: "<counts...>", summary: "<app>/<deployment>=<number>, one or more" }],
  options: [URL_OPTION],
  examples: ["edge-serve scale main/Model=3", "edge-serve scale main/Model=3 main/Index=2"],
  run: async ({ args, options }, io) => {
    const wanted = args.map(wantedOf);
    const client = connect(options, io);
    for (const { app, deployment, replicas } of wanted) {
      await client.scale(app, deployment, replicas);
      io.out(`${app}/${deployment}: ${replicas} replica${replicas === 1 ? "" : "s"} wanted.\n`);
    }
    return EXIT.ok;
  },
};

function wantedOf(text: string): { app: string; deployment: string; replicas: number } {
  const [, app, deployment, digits] = PAIR.exec(text) ?? [];
  const replicas = Number(digits);
  if (app !== undefined && deployment !== undefined && replicas <= MAX_REPLICAS) return { app, deployment, replicas };
  const form = `Write <app>/<deployment>=<number>, with a number from 0 to ${MAX_REPLICAS}, such as main/Model=3.`;
  throw new Failure(`${JSON.stringify(text)} does not say what to scale. ${form}`, EXIT.usage);
}
