import { describe, expect, it } from "vitest";
import { rpcEndpoint } from "../../../src/ingress/rpc.ts";

const NOBODY = () => expect.unreachable("Nothing is called.");
const endpoint = rpcEndpoint()({ targetOf: NOBODY, isOpen: (app) => app === "open" });

function ask(path: string, { method = "POST", env = { EDGE_SERVE_TOKEN: "secret" } as unknown } = {}) {
  const headers = { authorization: "Bearer wrong" };
  return endpoint(new Request(`http://example.test${path}`, { method, headers }), path, { env, keepAlive: () => {} });
}

describe("calls from outside", () => {
  it.each([
    ["an application that does not say rpc: true", "/-/rpc/closed", "POST"],
    ["a path that cannot be read", "/-/rpc/%E0%A4%A", "POST"],
    ["another path", "/-/rpcs/open", "POST"],
    ["another method", "/-/rpc/open", "GET"],
  ])("are not there for %s", (_, path, method) => {
    expect(ask(path, { method })).toBeUndefined();
  });

  it("are refused to everyone where no token is configured", async () => {
    expect((await ask("/-/rpc/open", { env: {} }))?.status).toBe(403);
    expect((await ask("/-/rpc/open", { env: null }))?.status).toBe(403);
  });
});
