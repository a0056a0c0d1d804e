import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { connect } from "../../../src/client.ts";

type Model = { call(): Promise<string>; items(): AsyncGenerator<number> };

/** What a caller from outside is told when the server at the other end does this. */
async function errorOf(answer: RequestListener): Promise<unknown> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const handle = connect<never>(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { token: "t" }) as unknown as Handle;
    return await handle.remote().then(
      (value) => value,
      (error: unknown) => error,
    );
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

interface Handle {
  remote(): PromiseLike<Awaited<ReturnType<Model["call"]>>>;
}

const FRAMES = { "content-type": "application/x-ndjson" };
const BEGUN = { code: "REPLICA_UNAVAILABLE", status: 502, retryAfterMs: undefined };

describe("a call from outside whose connection fails", () => {
  it("is known not to have begun when nobody listens", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const handle = connect<never>(`http://127.0.0.1:${port}`, { token: "t" }) as unknown as Handle;
    await expect(Promise.resolve(handle.remote())).rejects.toMatchObject({ code: "DEPLOYMENT_UNAVAILABLE", status: 503 });
  });

  it.each<[string, RequestListener]>([
    ["the connection ends before the answer", (request) => request.socket.destroy()],
    [
      "the connection ends within the answer",
      (request, response) => {
        response.writeHead(200, FRAMES);
        response.write('{"kind"', () => request.socket.destroy());
      },
    ],
    ["the answer is empty", (_, response) => response.writeHead(200, FRAMES).end()],
    ["a proxy answers 502", (_, response) => response.writeHead(502).end("Bad Gateway")],
    ["a proxy answers 504", (_, response) => response.writeHead(504).end("Gateway Timeout")],
  ])("may have begun when %s", async (_, answer) => {
    expect(await errorOf(answer)).toMatchObject(BEGUN);
  });

  it.each([401, 403, 404, 413, 503])("has not begun when it is answered %i", async (status) => {
    expect(await errorOf((_, response) => response.writeHead(status).end("no"))).toMatchObject({ code: "DEPLOYMENT_UNAVAILABLE" });
  });
});
