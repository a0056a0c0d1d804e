/** What tests ask the operator's API of a server that was started with {@link TOKEN}. */
import type { Server } from "edge-serve/testing";
import type { ApplicationDetails, DeploymentDetails, StatusDocument } from "../../src/protocol/status.ts";

export const TOKEN = "secret";
export const AUTHORIZED = { authorization: `Bearer ${TOKEN}` };

/** How all applications are. */
export async function applicationsOf(server: Server): Promise<Readonly<Record<string, ApplicationDetails>>> {
  const response = await server.fetch("/-/api/applications", { headers: AUTHORIZED });
  return ((await response.json()) as StatusDocument).applications;
}

/** How a deployment is; `undefined` where there is none. */
export async function deploymentOf(server: Server, app: string, deployment: string): Promise<DeploymentDetails | undefined> {
  return (await applicationsOf(server))[app]?.deployments[deployment];
}

/** Puts a config document in force. */
export function putDocument(server: Server, document: unknown): Promise<Response> {
  return server.fetch("/-/api/applications", { method: "PUT", headers: AUTHORIZED, body: JSON.stringify(document) });
}

/** What became of the requests that were sent to an application as a shadow, by outcome. */
export async function shadowsIn(server: Server, application: string): Promise<Record<string, number>> {
  const text = await (await server.fetch("/-/api/metrics", { headers: AUTHORIZED })).text();
  const lines = text.matchAll(/^serve_shadow_requests_total\{application="(\w+)",outcome="(\w+)"\} (\d+)$/gm);
  return Object.fromEntries([...lines].filter(([, app]) => app === application).map(([, , outcome, count]) => [outcome!, Number(count)]));
}
