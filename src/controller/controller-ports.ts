/** The surroundings of a controller: storage, its alarm, the replicas, the clock. */
import type { WindowCount } from "../protocol/traffic.ts";
import type { TrafficSumsStore } from "./traffic-sums.ts";
import type { OrderOutcome } from "../protocol/control.ts";
import type { ApplicationManifest } from "../protocol/manifest.ts";
import type { HistoryStore } from "./history.ts";
import type { MeasuredStore } from "./metrics-store.ts";
import type { Order } from "./orders.ts";
import type { Policies } from "./policies.ts";
import type { Changes, StoredApplication } from "./stored-state.ts";

/** What the shell hands to a controller. */
export interface ControllerPorts {
  readonly app: string;
  /** What the deployed code says that should run; `null` when it has no such application. */
  readonly compiled: { readonly version: string; readonly application: ApplicationManifest | null };
  readonly policies: Policies;
  /** What the replicas have measured: a row each. */
  readonly measured: MeasuredStore;
  /** The last hour: a row a minute. */
  readonly history: HistoryStore;
  /** What the replicas have counted of a canary. */
  readonly traffic: TrafficSumsStore;
  /** Reads all that was stored. */
  load(): StoredApplication | undefined;
  /** Stores all of it or nothing, for good before it returns or before any message leaves. */
  save(changes: Changes): void;
  /** Asks to be woken at this time; `undefined` takes back what was asked. */
  wakeAt(timeMs: number | undefined): void;
  /** Tells a replica. Rejects if it was not reached. */
  give(order: Order): Promise<OrderOutcome>;
  /** Says that this application has gone over to this version of the code. Rejects if nobody heard it. */
  moved(version: string): Promise<void>;
  /**
   * Is told what should run, again and again; `null` is an application that was deleted. Rejects if that could not be stored. Missing
   * where nobody wants to know.
   */
  readonly configured?: (revision: number, desired: ApplicationManifest | null) => Promise<void>;
  /** Tells what the replicas have counted of a canary together. Rejects if nobody heard it. */
  counted(counts: readonly WindowCount[]): Promise<void>;
  /** Lets a promise finish although nobody waits for it. */
  keepAlive(promise: Promise<unknown>): void;
  /** Writes to the log what failed and will be tried again. */
  failed(error: unknown): void;
  /** Writes to the log. */
  warn(deployment: string, message: string): void;
  sleep(ms: number): Promise<void>;
  now(): number;
}
