import * as serve from "edge-serve";
import { BURST, CLOSED, type FromRoom, MAX_NAME, MAX_TEXT, type Said } from "./protocol.ts";

/** What the operator sets. */
interface RoomConfig {
  readonly maxGuests: number;
  readonly maxHistory: number;
}

/** Kept with the socket, so it is there when the room wakes. */
interface Guest {
  readonly name: string;
  /** How many more messages were allowed at `since`. */
  readonly allowance: number;
  readonly since: number;
}

const guestAt = (socket: WebSocket) => socket.deserializeAttachment() as Guest;

/**
 * One room. Its object sleeps while nobody speaks, with all sockets open, so it keeps nothing in memory: messages are in its SQLite,
 * guests in their sockets.
 */
export class Room {
  readonly #state = serve.getReplicaContext().state;
  #config: RoomConfig = { maxGuests: 50, maxHistory: 200 };

  setup() {
    this.#state.storage.sql.exec(
      "CREATE TABLE IF NOT EXISTS said (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, text TEXT, at INTEGER)",
    );
  }

  reconfigure(config: Partial<RoomConfig> | null) {
    this.#config = { ...this.#config, ...config };
  }

  fetch(request: Request): Response {
    const name = new URL(request.url).searchParams.get("name")?.trim() ?? "";
    const { 0: client, 1: server } = new WebSocketPair();
    const refusal = this.#refusalOf(name);
    if (refusal === undefined) this.#enter(server, name);
    else {
      server.accept();
      server.close(refusal.code, refusal.reason);
    }
    return new Response(null, { status: 101, webSocket: client });
  }

  webSocketMessage(socket: WebSocket, text: string | ArrayBuffer) {
    const refuse = (reason: string) => this.#send({ kind: "refused", reason }, [socket]);
    if (typeof text !== "string" || text.trim() === "") return refuse("Text only.");
    if (text.length > MAX_TEXT) return refuse(`At most ${MAX_TEXT} characters.`);
    if (!this.#spend(socket)) return refuse("Not so fast.");
    this.#send({ kind: "message", message: this.#store(guestAt(socket).name, text) });
  }

  /** Also for a client that vanishes, with 1006: its name is free again, and the others see that it is gone. */
  webSocketClose(socket: WebSocket) {
    socket.close(1000);
    this.#tellGuests();
  }

  #refusalOf(name: string): { code: number; reason: string } | undefined {
    if (name === "" || name.length > MAX_NAME) return { code: CLOSED.badName, reason: `A name has 1 to ${MAX_NAME} characters.` };
    const guests = this.#guests();
    if (guests.some((guest) => guestAt(guest).name === name)) return { code: CLOSED.nameTaken, reason: "Somebody here has that name." };
    if (guests.length >= this.#config.maxGuests) return { code: CLOSED.roomFull, reason: "The room is full." };
    return undefined;
  }

  #enter(socket: WebSocket, name: string) {
    this.#state.acceptWebSocket(socket);
    socket.serializeAttachment({ name, allowance: BURST, since: Date.now() } satisfies Guest);
    const messages = this.#state.storage.sql.exec("SELECT id, name, text, at FROM said ORDER BY id").toArray() as unknown as Said[];
    this.#send({ kind: "history", messages }, [socket]);
    this.#tellGuests();
  }

  #store(name: string, text: string): Said {
    const { sql } = this.#state.storage;
    const at = Date.now();
    const { id } = sql.exec<{ id: number }>("INSERT INTO said (name, text, at) VALUES (?, ?, ?) RETURNING id", name, text, at).one();
    sql.exec("DELETE FROM said WHERE id <= ?", id - this.#config.maxHistory);
    return { id, name, text, at };
  }

  /** Whether this guest may send now. */
  #spend(socket: WebSocket): boolean {
    const { name, allowance, since } = guestAt(socket);
    const now = Date.now();
    const left = Math.min(BURST, allowance + (now - since) / 1000) - 1;
    if (left < 0) return false;
    socket.serializeAttachment({ name, allowance: left, since: now } satisfies Guest);
    return true;
  }

  #guests(): WebSocket[] {
    return this.#state.getWebSockets().filter(({ readyState }) => readyState === WebSocket.OPEN);
  }

  #tellGuests() {
    this.#send({
      kind: "guests",
      names: this.#guests()
        .map((guest) => guestAt(guest).name)
        .toSorted(),
    });
  }

  #send(news: FromRoom, to: readonly WebSocket[] = this.#guests()) {
    const text = JSON.stringify(news);
    for (const socket of to) socket.send(text);
  }
}
