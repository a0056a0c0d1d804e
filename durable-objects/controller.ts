/**
 * The Durable Object behind a controller: a shell around `src/controller/controller.ts`.
 *
 * Owns: storage, the alarm, RPC names. Does not own: anything that a controller decides.
 */
import { DurableObject } from "cloudflare:workers";
import type { ControllerPorts } from "../src/controller/controller-ports.ts";
import type { Controller } from "../src/controller/controller.ts";
import type { Assignment, ConfigChange, ControllerRpc, ReplicaReport } from "../src/protocol/control.ts";
import type { ApplicationMetrics, Look, Measured } from "../src/protocol/metrics.ts";
import type { ApplicationDetails } from "../src/protocol/status.ts";
import type { CountedWindows, WindowCount } from "../src/protocol/traffic.ts";
import { Alarm } from "./alarm.ts";
import { ControllerRows } from "./controller-rows.ts";
import { Core } from "./core.ts";

/** Before the name of a replica. */
const MEASURED = "measured:";
const HISTORY = "history:";
const COUNTED = "counted:";
const SUMS = "counted";

/** The part of a controller's surroundings that its object provides. */
export type ControllerShell = Pick<ControllerPorts, "app" | "measured" | "history" | "traffic" | "load" | "save" | "wakeAt" | "keepAlive">;

/** Makes the core of a controller from what the platform gives its object. */
export type MakeController = (shell: ControllerShell) => Controller;

/** The Durable Object class of the controllers; each application's is named after it. */
export function controllerClass(make: MakeController): new (state: DurableObjectState, env: unknown) => DurableObject & ControllerRpc {
  return class extends DurableObject implements ControllerRpc {
    readonly #core: Core<Controller>;
    readonly #alarm: Alarm;

    constructor(state: DurableObjectState, env: unknown) {
      super(state, env as Cloudflare.Env);
      this.#alarm = new Alarm(state.storage);
      this.#core = new Core(() => make(shellOf(state, this.#alarm)));
    }

    /** RPC. A replica has something to say. */
    async report(report: ReplicaReport): Promise<Assignment | undefined> {
      return this.#core.get().report(report);
    }

    /** RPC. There is a new configuration. */
    async adopt(change: ConfigChange): Promise<void> {
      return this.#core.get().adopt(change);
    }

    /** RPC. What the operator sees. */
    async status(settleMs?: number): Promise<ApplicationDetails | undefined> {
      return this.#core.get().status(settleMs);
    }

    /** RPC. What is scraped, or shown with its history. */
    async metrics(withHistory?: boolean): Promise<ApplicationMetrics | undefined> {
      return this.#core.get().metrics(withHistory);
    }

    /** RPC. Another number of replicas. */
    async scale(deployment: string, replicas: number): Promise<string | undefined> {
      return this.#core.get().scale(deployment, replicas);
    }

    override alarm(): Promise<void> {
      return this.#alarm.fire(() => this.#core.get().alarm());
    }
  };
}

// What is written here is on disk before any message that follows from it leaves the object: the platform holds it back.
function shellOf(state: DurableObjectState, alarm: Alarm): ControllerShell {
  const { kv } = state.storage;
  const rows = new ControllerRows(state.storage);
  return {
    app: state.id.name ?? "",
    measured: {
      get: (replica) => kv.get<Measured>(MEASURED + replica),
      set: (replica, measured) => kv.put(MEASURED + replica, measured),
      delete: (replica) => kv.delete(MEASURED + replica),
      *entries() {
        for (const [key, measured] of kv.list<Measured>({ prefix: MEASURED })) yield [key.slice(MEASURED.length), measured];
      },
    },
    history: {
      get: (slot) => kv.get<Look>(HISTORY + slot),
      set: (slot, look) => kv.put(HISTORY + slot, look),
    },
    traffic: {
      get: (replica) => kv.get<CountedWindows>(COUNTED + replica),
      set: (replica, word) => kv.put(COUNTED + replica, word),
      delete: (replica) => kv.delete(COUNTED + replica),
      getSums: () => kv.get<readonly WindowCount[]>(SUMS),
      setSums: (sums) => kv.put(SUMS, sums),
    },
    load: () => rows.load(),
    save: (changes) => rows.save(changes),
    wakeAt: (timeMs) => alarm.setAt(timeMs),
    keepAlive: (promise) => state.waitUntil(promise),
  };
}
