/** Rooms that have an alarm and sockets that hibernate, and classes that lack a handler. */
import * as serve from "edge-serve";

const storageOf = () => serve.getReplicaContext().state.storage;

function note(text: string): void {
  const { kv } = storageOf();
  kv.put("notes", [...(kv.get<string[]>("notes") ?? []), text]);
}

function enter(): Response {
  const { state, ordinal } = serve.getReplicaContext();
  const { 0: client, 1: server } = new WebSocketPair();
  state.acceptWebSocket(server);
  server.send(`welcome to ${ordinal}`);
  return new Response(null, { status: 101, webSocket: client });
}

/** Sets its own alarm; what the platform says to that. */
function setAlarm(inMs: number): Promise<string> {
  return storageOf()
    .setAlarm(Date.now() + inMs)
    .then(() => "set", String);
}

class Room {
  #isSetUp = false;
  #isIll = false;
  async setup(): Promise<void> {
    this.#isSetUp = true;
  }
  checkHealth(): void {
    if (this.#isIll) throw new Error("the room is on fire");
  }
  async alarm(info?: { retryCount: number; isRetry: boolean }): Promise<void> {
    note(`alarm ${info?.retryCount} ${info?.isRetry} after setup ${this.#isSetUp}`);
    if (storageOf().kv.get("failures") !== info?.retryCount) throw new RangeError("the alarm is broken");
  }
  webSocketMessage(socket: WebSocket, message: string): void {
    socket.send(`${message} in ${serve.getReplicaContext().replicaId} for ${serve.getRequestContext().requestId}`);
  }
  webSocketClose(socket: WebSocket, code: number, reason: string): void {
    note(`close ${code} ${reason}`);
    if (code !== 1006) socket.close(code, reason);
  }
  webSocketError(_: WebSocket, error: unknown): void {
    note(`error after setup ${this.#isSetUp}: ${String(error)}`);
  }
  async fetch(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/enter") return enter();
    if (pathname === "/alarm") {
      storageOf().kv.put("failures", Number(searchParams.get("failures")));
      return new Response(await setAlarm(Number(searchParams.get("in"))));
    }
    if (pathname === "/put") storageOf().kv.put("seats", searchParams.get("seats"));
    if (pathname === "/delete-all") await storageOf().deleteAll();
    if (pathname === "/ring-later") await setAlarm(3_600_000);
    if (pathname === "/catch-fire") this.#isIll = true;
    return Response.json(await this.look());
  }
  async look() {
    const { kv } = storageOf();
    const { replicaId, ordinal } = serve.getReplicaContext();
    return {
      replicaId,
      ordinal,
      notes: kv.get<string[]>("notes") ?? [],
      seats: kv.get("seats") ?? null,
      alarmAt: await storageOf().getAlarm(),
    };
  }
}

/** As an author's decorator may: it stands around the method. */
function twice(method: () => Promise<void>) {
  return async function (this: unknown): Promise<void> {
    await method.call(this);
    await method.call(this);
  };
}

class Decorated {
  @twice
  async alarm(): Promise<void> {
    note("alarm");
  }
  async fetch(request: Request): Promise<Response> {
    return new URL(request.url).pathname === "/alarm" ? new Response(await setAlarm(0)) : Response.json(storageOf().kv.get("notes") ?? []);
  }
}

class Inherits extends Decorated {}

class Mute {
  async fetch(request: Request): Promise<Response> {
    return new URL(request.url).pathname === "/alarm" ? new Response(await setAlarm(0)) : enter();
  }
}

class Field extends Mute {
  alarm = async (): Promise<void> => note("alarm");
}

async function Plain(request: Request): Promise<Response> {
  return new URL(request.url).pathname === "/alarm" ? new Response(await setAlarm(0)) : enter();
}

export const room = serve.deployment(Room, { numReplicas: 2, healthCheckPeriodMs: 200, gracefulShutdownTimeoutMs: 1000 }).bind();
export const decorated = serve.deployment(Decorated).bind();
export const inherits = serve.deployment(Inherits).bind();
export const mute = serve.deployment(Mute).bind();
export const field = serve.deployment(Field).bind();
export const plain = serve.deployment(Plain).bind();
