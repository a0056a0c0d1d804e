import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serve, type Server } from "edge-serve/testing";

let server: Server;

beforeAll(async () => {
  server = await serve("test/e2e/apps/sockets.ts:app", { quiet: true });
});
afterAll(() => server.stop());

const UPGRADE =
  "GET /?mode=echo HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/** Asks for an upgrade, and is gone after a moment, whether it has been answered or not. */
async function abandon(afterMs: number): Promise<void> {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => {});
  await new Promise((resolve) => socket.once("connect", resolve));
  socket.write(UPGRADE);
  if (afterMs > 0) await new Promise((resolve) => setTimeout(resolve, afterMs));
  socket.resetAndDestroy();
  await new Promise((resolve) => socket.once("close", resolve));
}

/** Opens a socket that is answered, and holds it. */
async function held(): Promise<WebSocket> {
  const socket = new WebSocket(server.url.replace("http", "ws"));
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = reject;
  });
  return socket;
}

describe("an upgrade whose client resets at once", () => {
  it.each([0, 1, 3, 10, 30])("leaves every slot free: after %i ms", async (afterMs) => {
    for (let count = 0; count < 20; count++) await abandon(afterMs);
    // Both slots, at once.
    const sockets = await Promise.all([held(), held()]);
    for (const socket of sockets) socket.close();
  });

  it("holds its slot while it is open, and gives it back when it closes", async () => {
    const sockets = await Promise.all([held(), held()]);
    const third = held();
    expect(await Promise.race([third.then(() => "open"), new Promise((resolve) => setTimeout(resolve, 300, "waits"))])).toBe("waits");
    for (const socket of sockets) socket.close();
    (await third).close();
  });
});
