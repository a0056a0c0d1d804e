/**
 * The Durable Object behind a controller: a shell around `src/controller/controller.ts`.
 *
 * Owns: storage, the alarm, RPC names. Does not own: anything that a controller decides.
 */
import { DurableObject } from "cloudflare:workers";
import type { Controller, ControllerPorts } from "../src/controller/controller.ts";
import type { ApplicationState } from "../src/controller/state.ts";
import type { Assignment, ConfigChange, ControllerRpc, ReplicaReport } from "../src/protocol/control.ts";
import type { ApplicationMetrics, Measured } from "../src/protocol/metrics.ts";
import type { ApplicationDetails } from "../src/protocol/status.ts";
import { Alarm } from "./alarm.ts";

const STATE = "application";
/** Before the name of a replica. */
const MEASURED = "measured:";

/** The part of a controller's surroundings that its object provides. */
export type ControllerShell = Pick<ControllerPorts, "app" | "measured" | "load" | "save" | "wakeAt" | "keepAlive">;

/** What to do when an alarm's work has thrown: a fired alarm is gone, and the platform gives up on one after a few tries. */
const AFTER_FAILURE_MS = 10_000;

/** Makes the core of a controller from what the platform gives its object. */
export type MakeController = (shell: ControllerShell) => Controller;

/** The Durable Object class of the controllers; each application's is named after it. */
export function controllerClass(make: MakeController): new (state: DurableObjectState, env: unknown) => DurableObject & ControllerRpc {
  return class extends DurableObject implements ControllerRpc {
    readonly #controller: Controller;
    readonly #alarm: Alarm;

    constructor(state: DurableObjectState, env: unknown) {
      super(state, env as Cloudflare.Env);
      this.#alarm = new Alarm(state.storage);
      this.#controller = make(shellOf(state, this.#alarm));
    }

    /** RPC. A replica has something to say. */
    report(report: ReplicaReport): Promise<Assignment | undefined> {
      return this.#controller.report(report);
    }

    /** RPC. There is a new configuration. */
    adopt(change: ConfigChange): Promise<void> {
      return this.#controller.adopt(change);
    }

    /** RPC. What the operator sees. */
    status(settleMs?: number): Promise<ApplicationDetails | undefined> {
      return this.#controller.status(settleMs);
    }

    /** RPC. What is scraped. */
    metrics(): Promise<ApplicationMetrics | undefined> {
      return this.#controller.metrics();
    }

    /** RPC. Another number of replicas. */
    scale(deployment: string, replicas: number): Promise<string | undefined> {
      return this.#controller.scale(deployment, replicas);
    }

    override alarm(): void {
      this.#alarm.hasFired();
      try {
        this.#controller.alarm();
      } catch (error) {
        this.#alarm.setAt(Date.now() + AFTER_FAILURE_MS);
        console.error(error);
      }
    }
  };
}

// What is written here is on disk before any message that follows from it leaves the object: the platform holds it back.
function shellOf(state: DurableObjectState, alarm: Alarm): ControllerShell {
  const { kv } = state.storage;
  return {
    app: state.id.name ?? "",
    measured: {
      get: (replica) => kv.get<Measured>(MEASURED + replica),
      set: (replica, measured) => kv.put(MEASURED + replica, measured),
      delete: (replica) => kv.delete(MEASURED + replica),
    },
    load: () => kv.get<ApplicationState>(STATE),
    save: (application) => kv.put(STATE, application),
    wakeAt: (timeMs) => alarm.setAt(timeMs),
    keepAlive: (promise) => state.waitUntil(promise),
  };
}
