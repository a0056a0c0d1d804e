/**
 * What a person sees of a status document.
 */
import type { ApplicationDetails, DeploymentDetails, ReplicaPhase } from "../../protocol/status.ts";
import type { RouteStatus } from "../../protocol/traffic.ts";
import { table } from "../failure.ts";

/** Routes by prefix. */
type Routes = Readonly<Record<string, RouteStatus>>;

/** Applications with their deployments below them, then routes, and under the tables what those say that are not well. */
export function statusTable(applications: readonly ApplicationDetails[], routes: Routes = {}): string {
  const rows = applications.flatMap((application) => [
    [application.name, application.status, application.route_prefix ?? "(no HTTP)", ""],
    ...Object.values(application.deployments).map((one) => [`  ${one.name}`, one.status, "", replicasOf(one)]),
  ]);
  const lines = table([["NAME", "STATUS", "ROUTE", "REPLICAS"], ...rows]).split("\n");
  const messages = applications.flatMap(messagesOf);
  const shown = Object.keys(routes).length === 0 ? [] : ["", ...routesTable(routes).split("\n")];
  return [...[...lines, ...shown].map((line) => line.trimEnd()), ...messages.flatMap((message) => ["", message])].join("\n");
}

function routesTable(routes: Routes): string {
  const rows = Object.entries(routes).map(([prefix, { state, split, reason }]) => [prefix, state, sharesText(split), reason]);
  return table([["PREFIX", "STATE", "SHARES", "REASON"], ...rows]);
}

/** `rank-v1 95 %, rank-v2 5 %`. */
export function sharesText(split: RouteStatus["split"]): string {
  return Object.entries(split)
    .map(([app, percent]) => `${app} ${percent} %`)
    .join(", ");
}

/** What the deployments that are not well say, a paragraph each. */
export function messagesOf({ name, message, deployments }: ApplicationDetails): string[] {
  const own = Object.values(deployments).flatMap((one) => {
    if (one.status === "HEALTHY" || one.message === "") return [];
    return [
      `Application ${JSON.stringify(name)}, deployment ${JSON.stringify(one.name)} is ${one.status} (${one.status_trigger}):\n${indented(one.message)}`,
    ];
  });
  return own.length > 0 || message === "" ? own : [`Application ${JSON.stringify(name)}:\n${indented(message)}`];
}

/** `2/3, 1 STARTING`: how many run of how many there should be, and what the others do. `inline` where callers have instances, `by key` where each key has an object. */
export function replicasOf({
  inline,
  keyed,
  target_num_replicas: target,
  replica_states: { RUNNING: running = 0, ...others },
}: DeploymentDetails): string {
  if (inline === true) return "inline";
  if (keyed === true) return "by key";
  const rest = (Object.entries(others) as [ReplicaPhase, number][]).filter(([, count]) => count > 0);
  return [`${running}/${target}`, ...rest.map(([phase, count]) => `${count} ${phase}`)].join(", ");
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, "  ");
}
