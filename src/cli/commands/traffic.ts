import { formatDiagnostics } from "../../config/diagnostics.ts";
import type { RouteStatus, Share } from "../../protocol/traffic.ts";
import { changedSplit } from "../../traffic/changed-split.ts";
import type { Command } from "../command.ts";
import { EXIT, Failure } from "../failure.ts";
import type { OperatorClient } from "../operator/client.ts";
import { connect, URL_OPTION } from "../operator/connect.ts";
import { sharesText } from "../operator/status-table.ts";

const PAIR = /^([A-Za-z][\w-]*)=(\d{1,3}(?:\.\d{1,2})?)$/;

/** Changes one split of a running system, or ends a canary. */
export const traffic: Command = {
  name: "traffic",
  summary:
    "Change the shares of a route, or end its canary, until the next apply or deploy. What is left over goes to the one that is not named.",
  args: [
    { name: "<prefix>", summary: "the route's prefix" },
    { name: "[shares...]", summary: "<app>=<percent>, one or more" },
  ],
  options: [
    URL_OPTION,
    { flags: "--promote", summary: "give a canary's candidate all requests" },
    { flags: "--rollback", summary: "give a canary's stable application all requests" },
  ],
  examples: ["edge-serve traffic /rank rank-v2=25", "edge-serve traffic /search --promote", "edge-serve traffic /search --rollback"],
  run: async ({ args: [prefix = "", ...pairs], options }, io) => {
    const orders = (["promote", "rollback"] as const).filter((kind) => options[kind] === true);
    if (orders.length + Math.min(pairs.length, 1) !== 1) {
      throw new Failure("Say one thing: shares such as rank-v2=25, --promote, or --rollback.", EXIT.usage);
    }
    const changes = changesOf(pairs);
    const client = connect(options, io);
    const [order] = orders;
    if (order === undefined) await changeSplit(client, prefix, changes);
    else if (!(await client.endCanary(prefix, order))) throw new Failure(`There is no canary at ${JSON.stringify(prefix)}.`);
    const status = (await client.status()).routes?.[prefix];
    io.out(`${prefix}: ${status === undefined ? "no route" : lineOf(status)}\n`);
    return EXIT.ok;
  },
};

function changesOf(pairs: readonly string[]): ReadonlyMap<string, number> {
  return new Map(
    pairs.map((pair) => {
      const [, app, percent] = PAIR.exec(pair) ?? [];
      if (app !== undefined && Number(percent) <= 100) return [app, Number(percent)];
      const form = "Write <app>=<percent>, with a number from 0 to 100 with at most two decimals, such as rank-v2=25.";
      throw new Failure(`${JSON.stringify(pair)} does not say a share. ${form}`, EXIT.usage);
    }),
  );
}

// What is in force, with this one change.
async function changeSplit(client: OperatorClient, prefix: string, changes: ReadonlyMap<string, number>): Promise<void> {
  const { routes = [], ...document } = await client.config();
  const route = routes.find((one) => one["prefix"] === prefix);
  if (route === undefined) {
    const known = routes.map((one) => String(one["prefix"])).join(", ");
    throw new Failure(`There is no route at ${JSON.stringify(prefix)}. There is: ${known || "none"}.`);
  }
  const { split } = route as { readonly split?: readonly Share[] };
  if (split === undefined) {
    throw new Failure(`Route ${JSON.stringify(prefix)} has a canary, whose shares follow its steps. End it with --promote or --rollback.`);
  }
  const changed = { ...route, split: sharesAfter(split, changes) };
  const { isAccepted, diagnostics } = await client.put({ ...document, routes: routes.map((one) => (one === route ? changed : one)) });
  if (!isAccepted) throw new Failure(`${client.origin} refuses the document, and nothing has changed:\n${formatDiagnostics(diagnostics)}`);
}

function sharesAfter(split: readonly Share[], changes: ReadonlyMap<string, number>): Share[] {
  try {
    return changedSplit(split, changes);
  } catch (error) {
    throw error instanceof RangeError ? new Failure(error.message) : error;
  }
}

function lineOf({ state, split }: RouteStatus): string {
  return `${sharesText(split)} (${state}).`;
}
