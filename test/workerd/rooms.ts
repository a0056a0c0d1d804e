/** Deployments whose classes have handlers of their object's own events, or have not. */
import { deployment } from "../../src/api/deployment.ts";
import { getReplicaContext, getRequestContext } from "../../src/context/scope.ts";
import { logger } from "../../src/context/logger.ts";
import type { DeploymentHandle } from "../../src/protocol/handle-types.ts";

/** What has happened to each replica, in all its lives. */
const notes = new Map<string, string[]>();

function note(text: string): void {
  const { replicaId } = getReplicaContext();
  notes.set(replicaId, [...(notes.get(replicaId) ?? []), text]);
}

function upgrade(attachment: unknown): Response {
  const { state } = getReplicaContext();
  const { 0: client, 1: server } = new WebSocketPair();
  state.acceptWebSocket(server, ["guests"]);
  server.serializeAttachment(attachment);
  return new Response(null, { status: 101, webSocket: client });
}

class Base {
  isSetUp = false;
  #release: (() => void) | undefined;

  constructor() {
    note("constructor");
  }
  async setup(): Promise<void> {
    await Promise.resolve();
    this.isSetUp = true;
    note("setup");
  }
  fetch(request: Request): Response {
    return upgrade({ from: new URL(request.url).pathname });
  }
  notes(): string[] {
    return notes.get(getReplicaContext().replicaId) ?? [];
  }
  /** Runs until `release` is called. */
  async hold(): Promise<void> {
    await new Promise<void>((resolve) => (this.#release = resolve));
  }
  release(): boolean {
    this.#release?.();
    return this.#release !== undefined;
  }
  async setAlarm(inMs: number): Promise<string> {
    const { storage } = getReplicaContext().state;
    return storage.setAlarm(Date.now() + inMs).then(() => "set", String);
  }
  async put(key: string, value: unknown): Promise<void> {
    await getReplicaContext().state.storage.put(key, value);
  }
  async get(key: string): Promise<unknown> {
    return getReplicaContext().state.storage.get(key);
  }
  deleteAllAndCrash(): void {
    const { state } = getReplicaContext();
    void state.storage.deleteAll();
    state.abort("the machine is gone");
  }
  async deleteAll(): Promise<number> {
    const { storage } = getReplicaContext().state;
    await storage.put("rubbish", 1);
    await storage.deleteAll();
    return [...storage.kv.list()].filter(([key]) => key === "rubbish").length;
  }
}

/** Has all of them. */
export class Room extends Base {
  constructor(readonly plain: DeploymentHandle<() => string>) {
    super();
  }
  async alarm(): Promise<void> {
    note(`alarm after setup ${this.isSetUp}`);
    const outcome = (await this.get("alarm")) as string | undefined;
    if (outcome === "throw") throw new RangeError("the alarm is broken");
    if (outcome === "hold") await this.hold();
    note(`alarm called ${await this.plain.remote()}`);
    logger.info("the alarm has rung", { requestOfScope: getRequestContext().requestId });
  }
  async webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    if (message === "throw") throw new RangeError("the message is broken");
    if (message === "hold") return this.hold();
    const { from } = socket.deserializeAttachment() as { from: string };
    const text = typeof message === "string" ? message : `${message.byteLength} bytes`;
    const { requestId } = getRequestContext();
    const count = getReplicaContext().state.getWebSockets("guests").length;
    socket.send(JSON.stringify({ text, from, isSetUp: this.isSetUp, requestId, count, called: await this.plain.remote() }));
  }
  webSocketClose(socket: WebSocket, code: number, reason: string, wasClean: boolean): void {
    socket.close(code, reason);
    note(`close ${code} ${JSON.stringify(reason)} ${wasClean} after setup ${this.isSetUp}`);
  }
  webSocketError(_: WebSocket, error: unknown): void {
    note(`error ${String(error)} after setup ${this.isSetUp}`);
  }
}

/** Inherits them, and has one as a decorator leaves it that binds a method: a getter, which makes the method when an instance asks. */
export class SubRoom extends Room {
  ring(): void {
    note(`bound alarm after setup ${this.isSetUp}`);
  }
}
Object.defineProperty(SubRoom.prototype, "alarm", {
  get(this: SubRoom) {
    return this.ring.bind(this);
  },
});

/** Has none, and accepts sockets all the same. */
export class Mute extends Base {
  autoResponse(): void {
    getReplicaContext().state.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong"));
  }
}

/** Has one as a field, where the platform does not find it. */
export class FieldRoom extends Base {
  alarm = (): void => note("alarm");
}

/** Does not start where it is woken. */
let mayStart = true;
export class Broken extends Base {
  constructor() {
    super();
    if (!mayStart) throw new Error("the room is closed");
  }
  async alarm(): Promise<void> {}
  async webSocketMessage(): Promise<void> {}
  breakDown(): void {
    mayStart = false;
  }
}

function Plain(): string {
  return `plain for ${getRequestContext().requestId}`;
}

export class Lobby {
  constructor(readonly all: readonly unknown[]) {}
  call(): string {
    return "lobby";
  }
}

const plain = deployment(Plain);
const room = deployment(Room, { maxOngoingRequests: 1, gracefulShutdownTimeoutMs: 500 });
const subRoom = deployment(SubRoom);
const mute = deployment(Mute);
const fieldRoom = deployment(FieldRoom);
const broken = deployment(Broken);
const lobby = deployment(Lobby);
const plainApp = plain.bind();

export const rooms = {
  app: lobby.bind([plainApp, room.bind(plainApp), subRoom.bind(plainApp), mute.bind(), fieldRoom.bind(), broken.bind()]),
  deployments: [lobby, plain, room, subRoom, mute, fieldRoom, broken] as never[],
};
