/** An actor whose object has an alarm and sockets that hibernate. */
import * as serve from "edge-serve";

const HELD_MS = 300;

export class Clock {
  #running = 0;

  async fetch() {
    const { 0: client, 1: server } = new WebSocketPair();
    serve.getReplicaContext().state.acceptWebSocket(server);
    return new Response(null, { status: 101, webSocket: client });
  }

  async hold() {
    await serve.getReplicaContext().state.storage.setAlarm(Date.now());
    return this.#run("hold", HELD_MS);
  }

  alarm() {
    return this.#run("alarm", 1);
  }

  async webSocketMessage(socket: WebSocket) {
    await this.#run("message", 1);
    socket.send("heard");
  }

  notes() {
    return serve.getReplicaContext().state.storage.kv.get<string[]>("notes") ?? [];
  }

  async #run(what: string, ms: number) {
    this.#note(`${what}, ${++this.#running} run`);
    serve.logger.info(`${what} runs`);
    await new Promise((resolve) => setTimeout(resolve, ms));
    this.#running--;
  }

  #note(text: string) {
    serve.getReplicaContext().state.storage.kv.put("notes", [...this.notes(), text]);
  }
}

export const clocks = serve
  .deployment(Clock, { keyed: { key: (request) => decodeURIComponent(new URL(request.url).pathname.slice(1)) }, maxOngoingRequests: 1 })
  .bind();
