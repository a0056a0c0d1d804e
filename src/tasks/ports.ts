/**
 * What a shard needs from its surroundings.
 *
 * Invariant of senders: one attempt is at one replica at a time, and is sent again only where it is known not to have begun,
 * whatever the deployment's own `retries` say.
 */
import type { Cancellation } from "../protocol/cancellation.ts";
import type { WireError } from "../protocol/error-codec.ts";
import type { TasksConfig } from "../protocol/manifest.ts";
import type { TaskInvocation } from "../protocol/tasks.ts";
import type { TaskStore } from "./store.ts";
import type { Place } from "./task.ts";

/** What an attempt is of. */
export interface Attempt extends TaskInvocation {
  readonly taskId: string;
  readonly app: string;
}

/** An attempt that is to be sent. Who sends it begins a call tree: hops 0, a new request id. */
export interface AttemptRequest extends Attempt {
  /** By `encodeArguments`. */
  readonly arguments: string;
}

/** What an attempt may be sent with. */
export interface Permit {
  /** `getRequestContext().task.attempt`. */
  readonly attempt: number;
  /** In milliseconds since the epoch. */
  readonly deadline: number;
}

/** What a sender says while it looks for a replica. */
export interface AttemptEvents {
  /**
   * The attempt is about to be sent to a replica that may run it at once: to be asked before each time, and not before a slot
   * is waited for. `undefined` forbids it: the task has been cancelled.
   */
  sending(place: Place): Permit | undefined;
  /** The replica that it was sent to did not begin it. Called before the next `sending`. */
  refused(): void;
}

/** What became of an attempt. */
export type AttemptOutcome =
  | { readonly kind: "value"; readonly value: unknown }
  /** What the method threw. */
  | { readonly kind: "error"; readonly error: WireError }
  /** It had begun, or may have, and nothing is known of it any more. Its replica is asked whether it runs. */
  | { readonly kind: "lost" }
  /** Known not to have begun: all queues are full, there is no replica, or none starts. */
  | { readonly kind: "not-begun" }
  /** The deployment, or the method, does not exist. */
  | { readonly kind: "missing"; readonly error: WireError };

/** What a replica says of an attempt that it was sent in an earlier life of the shard. */
export type Rejoined =
  | AttemptOutcome
  /** It does not run there, now: it has ended, never began, or was lost with its replica. */
  | { readonly kind: "not-running" };

/** The way to the replicas: the wiring gives it the ordinary router. */
export interface AttemptSender {
  /**
   * Sends an attempt, and resolves when it has ended.
   *
   * It keeps no deadline: the shard cancels. A cancelled attempt that waits leaves the queue; one that runs sees its signal
   * abort, and this goes on until it has ended. A rejection is taken for `lost` once `sending` was called, else for `not-begun`.
   */
  send(request: AttemptRequest, events: AttemptEvents, cancellation: Cancellation): Promise<AttemptOutcome>;
  /**
   * Waits for the end of an attempt, at a replica that is asked whether it runs. Rejects if the replica cannot be asked.
   *
   * A replica that says that it does not run must not begin it later: the message that was to begin it may still be on its way.
   */
  rejoin(attempt: Attempt, place: Place): Promise<Rejoined>;
  /** Stops an attempt of an earlier life of the shard. */
  stop(attempt: Attempt, place: Place, reason: unknown): Promise<void>;
}

/** What a shard is given. */
export interface TaskShardPorts {
  readonly app: string;
  /** For words only. */
  readonly shard: number;
  readonly store: TaskStore;
  readonly sender: AttemptSender;
  /** What holds for a deployment now; defaults for one that is gone, or says nothing. */
  options(deployment: string): TasksConfig;
  /** Asks to be woken at this time; `undefined` takes back what was asked. Never throws. */
  wakeAt(timeMs: number | undefined): void;
  /** Lets a promise finish although nobody waits for it. */
  keepAlive(promise: Promise<unknown>): void;
  /** Writes to the log. */
  warn(deployment: string, message: string, fields: Readonly<Record<string, unknown>>): void;
  now(): number;
  random(): number;
}
