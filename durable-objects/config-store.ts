/**
 * The Durable Object behind the operator's configuration: a shell around `src/controller/config-store.ts`.
 *
 * Owns: storage, the alarm, RPC names. Does not own: what a document means, or who may put one.
 */
import { DurableObject } from "cloudflare:workers";
import type {
  Applications,
  ConfigStore,
  ConfigStorePorts,
  ConfigStoreRpc,
  OfWorker,
  StoredConfig,
  TrafficNews,
} from "../src/controller/config-store.ts";
import type { RoutesInForce, StoredTraffic } from "../src/controller/traffic-keeper.ts";
import type { ApplicationManifest } from "../src/protocol/manifest.ts";
import type { Measured, UserCounts } from "../src/protocol/metrics.ts";
import type { RouteConfig, TrafficReport } from "../src/protocol/traffic.ts";
import type { TrafficQuery } from "../src/traffic/known-traffic.ts";
import type { Order } from "../src/traffic/state.ts";
import { Alarm } from "./alarm.ts";
import { Core } from "./core.ts";

const STATE = "config";
const TRAFFIC = "traffic";
const MEASURED = "measured";

/** The part of the store's surroundings that its object provides. */
export type ConfigStoreShell = Pick<ConfigStorePorts, "load" | "save" | "traffic" | "measured" | "wakeAt">;

/** The Durable Object class of the store; there is one object. */
export function configStoreClass(
  make: (shell: ConfigStoreShell) => ConfigStore,
): new (state: DurableObjectState, env: unknown) => DurableObject & ConfigStoreRpc {
  return class extends DurableObject implements ConfigStoreRpc {
    readonly #core: Core<ConfigStore>;
    readonly #alarm: Alarm;

    constructor(state: DurableObjectState, env: unknown) {
      super(state, env as Cloudflare.Env);
      const { kv } = state.storage;
      this.#alarm = new Alarm(state.storage);
      const shell: ConfigStoreShell = {
        load: () => kv.get<StoredConfig>(STATE),
        save: (config) => kv.put(STATE, config),
        traffic: {
          load: () => kv.get<StoredTraffic>(TRAFFIC),
          save: (traffic) => kv.put(TRAFFIC, traffic),
        },
        measured: {
          load: () => kv.get<Measured>(MEASURED),
          save: (measured) => kv.put(MEASURED, measured),
        },
        wakeAt: (timeMs) => this.#alarm.setAt(timeMs),
      };
      this.#core = new Core(() => make(shell));
    }

    /** RPC. Takes a document as a whole. */
    async put(version: string, applications: readonly ApplicationManifest[], routes?: readonly RouteConfig[]): Promise<number> {
      return this.#core.get().put(version, applications, routes);
    }

    /** RPC. Deletes one application. */
    async remove(version: string, app: string): Promise<boolean | readonly string[]> {
      return this.#core.get().remove(version, app);
    }

    /** RPC. What should run. */
    async current(): Promise<Applications> {
      return this.#core.get().current();
    }

    /** RPC. An application has gone over to other code. */
    async moved(version: string, app: string): Promise<void> {
      return this.#core.get().moved(version, app);
    }

    /** RPC. An isolate tells what it has counted, and asks what it does not know. */
    async traffic(query: TrafficQuery): Promise<TrafficNews | undefined> {
      return this.#core.get().traffic(query);
    }

    /** RPC. A controller tells what its replicas have counted. */
    async counted(report: TrafficReport): Promise<void> {
      return this.#core.get().counted(report);
    }

    /** RPC. An isolate tells what code outside of replicas has counted. */
    async measured(counts: UserCounts): Promise<void> {
      return this.#core.get().measured(counts);
    }

    /** RPC. Ends a canary. */
    async order(order: Order): Promise<boolean> {
      return this.#core.get().order(order);
    }

    /** RPC. The routes, as an operator sees them. */
    async routes(): Promise<RoutesInForce & OfWorker> {
      return this.#core.get().routes();
    }

    override alarm(): Promise<void> {
      return this.#alarm.fire(() => this.#core.get().alarm());
    }
  };
}
