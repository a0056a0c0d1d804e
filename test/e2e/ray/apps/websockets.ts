/** The deployments of Ray Serve's test_websockets.py, translated. */
import * as serve from "edge-serve";
import { Hono } from "hono";
import { byteStream } from "./byte-stream.ts";

function accept(): { client: WebSocket; socket: WebSocket } {
  const { 0: client, 1: socket } = new WebSocketPair();
  socket.binaryType = "arraybuffer";
  socket.accept();
  return { client, socket };
}

const upgraded = (client: WebSocket) => new Response(null, { status: 101, webSocket: client });

class Everything {
  unary(): string {
    return "hi";
  }
  async *stream(): AsyncGenerator<string> {
    for (let n = 0; n < 3; n++) yield `hi_${n}`;
  }
}

const echo = () => {
  const { client, socket } = accept();
  socket.addEventListener("message", ({ data }) => socket.send(data as string));
  socket.addEventListener("close", ({ code }) => serve.logger.info("disconnected", { code }));
  return upgraded(client);
};

const closes = (code: number) => {
  const { client, socket } = accept();
  socket.addEventListener("message", () => socket.close(code, "closed by the server"));
  return upgraded(client);
};

const hono = new Hono<{ Bindings: { replica: Everything } }>()
  .get("/echo", echo)
  .get("/close/:code", (c) => closes(Number(c.req.param("code"))))
  .get("/unary", (c) => c.text(c.env.replica.unary()))
  .get("/stream", (c) => c.body(byteStream(c.env.replica.stream())));

export const app = serve.deployment(serve.ingress(hono)(Everything)).bind();
