/** Ray Serve's test_websockets.py, translated. */
import { serve, type Server } from "edge-serve/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

let server: Server;

beforeAll(async () => {
  server = await serve("test/e2e/ray/apps/websockets.yaml");
});
afterAll(() => server.stop());

function open(path: string): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(new URL(path, server.url.replace("http", "ws")));
    socket.binaryType = "arraybuffer";
    socket.addEventListener("open", () => resolve(socket), { once: true });
    socket.addEventListener("error", () => reject(new Error("The socket did not open.")), { once: true });
  });
}

const received = (socket: WebSocket) =>
  new Promise<unknown>((resolve) => socket.addEventListener("message", ({ data }) => resolve(data), { once: true }));
const closed = (socket: WebSocket) =>
  new Promise<{ code: number; reason: string; wasClean: boolean }>((resolve) => socket.addEventListener("close", resolve, { once: true }));

describe.each([
  ["/", "", 3001],
  ["/prefix", "/prefix", 3002],
])("a WebSocket under %s", (_, prefix, left) => {
  it("echoes text and bytes", async () => {
    const socket = await open(`${prefix}/echo`);
    for (const text of ["hi", "there"]) {
      const answer = received(socket);
      socket.send(text);
      expect(await answer).toBe(text);
    }
    const answer = received(socket);
    socket.send(new Uint8Array([1, 2, 3]));
    expect([...new Uint8Array((await answer) as ArrayBuffer)]).toEqual([1, 2, 3]);
    socket.close();
  });

  it("tells the server when the client disconnects", async () => {
    const socket = await open(`${prefix}/echo`);
    socket.close(left, "enough");
    await server.waitForLog(({ message, fields }) => message === "disconnected" && fields["code"] === left);
  });

  it.each([1000, 1011])("tells the client that the server closed it with %i", async (code) => {
    const socket = await open(`${prefix}/close/${code}`);
    const end = closed(socket);
    socket.send("close, please");
    expect(await end).toMatchObject({ code, reason: "closed by the server", wasClean: true });
  });

  it("is served by the deployment that answers unary and streaming requests", async () => {
    expect(await (await server.fetch(`${prefix}/unary`)).text()).toBe("hi");
    expect(await (await server.fetch(`${prefix}/stream`)).text()).toBe("hi_0hi_1hi_2");
  });
});
