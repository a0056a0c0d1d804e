/**
 * The platform's own events of a replica's object: its alarm, and what happens to WebSockets that hibernate.
 *
 * Owns: that the class's handler runs in the replica's scope, after `setup()`, and what becomes of one that fails.
 * Does not own: which handlers a class has (object-handlers.ts), whether the replica is still in the set (control.ts).
 *
 * Invariants:
 *   E1. A handler runs only on an instance that has been constructed, set up and configured, and begins a call tree of its own.
 *   E2. It is no request: neither metrics nor health checks know of it, and it takes no slot but in the object of a key. Draining waits
 *       for it.
 *   E3. What it throws is logged once. An alarm's goes on to the platform, which tries it again; a socket stays as it is.
 *   E4. A socket whose messages nobody takes is closed, and the log says so: a client never talks to nobody.
 */
import { writeLog } from "../context/logger.ts";
import { RequestScope, type ReplicaScope, runInScope, type Scope } from "../context/scope.ts";
import type { Slot } from "./admission.ts";
import type { Started } from "./instance.ts";
import { Deleted } from "./deleted.ts";
import type { ObjectHandler } from "./object-handlers.ts";
import { logFailure } from "./request-log.ts";

/** A WebSocket that the object has accepted, as far as it is answered here. */
export interface HeldSocket {
  close(code?: number, reason?: string): void;
}

/** What handlers run on. */
export interface ObjectEventsParts {
  readonly scope: ReplicaScope;
  readonly handlers: ReadonlySet<ObjectHandler>;
  readonly instance: { readonly started: Started | undefined; start(): Promise<Started> };
  /** Whether an event is still for this replica; asks the controller where that is not known. Never rejects. */
  isWanted(): Promise<boolean>;
  /** Where handlers take a slot as requests do: one in turn. Rejects with `Deleted` when there is no turn any more. */
  slot?(id: string): Slot | Promise<Slot>;
}

/** What has become of an event. */
type Outcome = "handled" | "unwanted" | { readonly error: unknown };

/** The server met what it cannot deal with. */
const SERVER_ERROR = 1011;
/** What a close event has that came without a code, or without a close at all. Nobody may send them. */
const NO_CODE = 1005;
const LOST = 1006;

export class ObjectEvents {
  readonly #parts: ObjectEventsParts;
  readonly #running = new Set<RequestScope>();
  #idle: (() => void)[] = [];

  constructor(parts: ObjectEventsParts) {
    this.#parts = parts;
  }

  /** How many handlers run. */
  get ongoing(): number {
    return this.#running.size;
  }

  /** Resolves when no handler runs. */
  whenIdle(): Promise<void> {
    return this.ongoing === 0 ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Handlers that run see their signal abort. */
  abortAll(reason: unknown): void {
    for (const request of this.#running) request.abort(reason);
  }

  /** The alarm rings. Rejects with what the handler throws, or with why there is no instance. */
  async alarm(info: unknown): Promise<void> {
    const outcome = await this.#handle("alarm", [info]);
    if (typeof outcome === "object") throw outcome.error;
  }

  /** A socket's client has sent a message. */
  async message(socket: HeldSocket, message: unknown): Promise<void> {
    if (this.#parts.handlers.has("webSocketMessage")) await this.#handle("webSocketMessage", [socket, message], socket);
    else this.#refuse(socket);
  }

  /** A socket's client has closed it, or has vanished. The platform leaves the answer to the class. */
  async closed(socket: HeldSocket, code: number, reason: string, wasClean: boolean): Promise<void> {
    const isForClass = this.#parts.handlers.has("webSocketClose");
    const outcome = isForClass ? await this.#handle("webSocketClose", [socket, code, reason, wasClean], socket) : "unwanted";
    if (outcome === "unwanted") answerClose(socket, code, reason);
  }

  /** A socket's connection has failed. */
  async failed(socket: HeldSocket, error: unknown): Promise<void> {
    await this.#handle("webSocketError", [socket, error]);
  }

  #refuse(socket: HeldSocket): void {
    const cure = "Define it, or call accept() of the socket instead of acceptWebSocket() of the state.";
    const what = "accepted a WebSocket for hibernation, and its class has no method webSocketMessage(socket, message).";
    writeLog("ERROR", `Deployment ${this.#name} ${what} The socket was closed with ${SERVER_ERROR}. ${cure}`, undefined, this.#scope());
    close(socket, SERVER_ERROR, "Nobody takes messages here.");
  }

  async #handle(name: ObjectHandler, args: readonly unknown[], socket?: HeldSocket): Promise<Outcome> {
    const scope = this.#scope();
    const { request } = scope;
    this.#running.add(request);
    let isStarted = false;
    let slot: Slot | undefined;
    try {
      if (!(await this.#parts.isWanted())) return "unwanted";
      slot = await this.#parts.slot?.(request.requestId);
      const { target } = this.#parts.instance.started ?? (await this.#parts.instance.start());
      isStarted = true;
      await runInScope(scope, () => (target as Record<ObjectHandler, (...args: unknown[]) => unknown>)[name](...args));
      return "handled";
    } catch (error) {
      if (error instanceof Deleted) return "unwanted";
      if (isStarted) logFailure(error, scope, `${name}() failed`);
      else if (socket === undefined) logFailure(error, scope, `${name}() did not run`);
      else {
        close(socket, SERVER_ERROR, "The replica does not start.");
        logFailure(error, scope, `${name}() did not run, and its socket was closed with ${SERVER_ERROR}`);
      }
      return { error };
    } finally {
      slot?.release();
      this.#running.delete(request);
      request.end();
      if (this.ongoing === 0) for (const resolve of this.#idle.splice(0)) resolve();
    }
  }

  get #name(): string {
    return JSON.stringify(this.#parts.scope.context.deployment);
  }

  #scope(): Scope & { readonly request: RequestScope } {
    const { scope } = this.#parts;
    const { appName, deployment } = scope.context;
    return {
      replica: scope,
      request: new RequestScope({ requestId: crypto.randomUUID(), chain: [`${appName}/${deployment}`], hops: 0 }),
    };
  }
}

// With the client's code, unless it is none that may be sent. One that has vanished hears nothing.
function answerClose(socket: HeldSocket, code: number, reason: string): void {
  if (code !== LOST && !(code !== NO_CODE && close(socket, code, reason))) close(socket);
}

function close(socket: HeldSocket, code?: number, reason?: string): boolean {
  try {
    socket.close(code, reason);
    return true;
  } catch {
    return false;
  }
}
