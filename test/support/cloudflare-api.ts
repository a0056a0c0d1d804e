/**
 * As much of Cloudflare's API as `wrangler deploy` asks for, which then takes a Worker and forgets it.
 */
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

/** An account that takes every upload. */
export interface FakeAccount extends AsyncDisposable {
  /** What makes wrangler use it. */
  readonly env: Readonly<Record<string, string>>;
  /** Names of the Workers that were uploaded. */
  readonly uploaded: readonly string[];
}

/** Starts one, whose Workers are at `https://<name>.<subdomain>.workers.dev`, or so it says. */
export async function fakeAccount(subdomain: string): Promise<FakeAccount> {
  const uploaded: string[] = [];
  const server = createServer(async (request, response) => {
    for await (const _ of request);
    const [, script] = /\/workers\/scripts\/([^/?]+)(?:\?|$)/.exec(request.url ?? "") ?? [];
    if (request.method === "PUT" && script !== undefined) uploaded.push(script);
    const result = answerTo(request, subdomain);
    response.writeHead(result === undefined ? 404 : 200, { "content-type": "application/json" });
    const errors = result === undefined ? [{ code: 10_007, message: "not found" }] : [];
    response.end(JSON.stringify({ success: result !== undefined, errors, messages: [], result: result ?? null }));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    env: {
      CLOUDFLARE_API_BASE_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      CLOUDFLARE_API_TOKEN: "none",
      CLOUDFLARE_ACCOUNT_ID: "account",
      WRANGLER_SEND_METRICS: "false",
    },
    uploaded,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

function answerTo({ url = "" }: IncomingMessage, subdomain: string): unknown {
  const path = url.split("?")[0] ?? "";
  // No such Worker yet.
  if (path.includes("/workers/services/")) return undefined;
  if (path.endsWith("/account/workers/subdomain")) return { subdomain };
  if (path.endsWith("/subdomain")) return { enabled: true, previews_enabled: false };
  if (path.endsWith("/secrets")) return [];
  if (path.endsWith("/deployments")) return { deployments: [] };
  if (path.includes("/workers/workers/"))
    return { subdomain: { enabled: true, previews_enabled: false }, observability: { enabled: false } };
  return { id: "worker", startup_time_ms: 3 };
}
