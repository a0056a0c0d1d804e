/**
 * The Durable Object behind the operator's configuration: a shell around `src/controller/config-store.ts`.
 *
 * Owns: storage, the alarm, RPC names. Does not own: what a document means, or who may put one.
 */
import { DurableObject } from "cloudflare:workers";
import type { Applications, ConfigStore, ConfigStorePorts, ConfigStoreRpc, StoredConfig } from "../src/controller/config-store.ts";
import type { ApplicationManifest } from "../src/protocol/manifest.ts";
import { Alarm } from "./alarm.ts";

const STATE = "config";
/** When to try again after an alarm whose work failed. */
const AFTER_FAILURE_MS = 1000;

/** The part of the store's surroundings that its object provides. */
export type ConfigStoreShell = Pick<ConfigStorePorts, "load" | "save" | "wakeAt">;

/** The Durable Object class of the store; there is one object. */
export function configStoreClass(
  make: (shell: ConfigStoreShell) => ConfigStore,
): new (state: DurableObjectState, env: unknown) => DurableObject & ConfigStoreRpc {
  return class extends DurableObject implements ConfigStoreRpc {
    readonly #store: ConfigStore;
    readonly #alarm: Alarm;

    constructor(state: DurableObjectState, env: unknown) {
      super(state, env as Cloudflare.Env);
      const { kv } = state.storage;
      this.#alarm = new Alarm(state.storage);
      this.#store = make({
        load: () => kv.get<StoredConfig>(STATE),
        save: (config) => kv.put(STATE, config),
        wakeAt: (timeMs) => this.#alarm.setAt(timeMs),
      });
    }

    /** RPC. Takes a document as a whole. */
    put(version: string, applications: readonly ApplicationManifest[]): Promise<number> {
      return this.#store.put(version, applications);
    }

    /** RPC. Deletes one application. */
    remove(version: string, app: string): Promise<boolean> {
      return this.#store.remove(version, app);
    }

    /** RPC. What should run. */
    current(): Promise<Applications> {
      return this.#store.current();
    }

    /** RPC. An application has gone over to other code. */
    moved(version: string, app: string): Promise<void> {
      return this.#store.moved(version, app);
    }

    override async alarm(): Promise<void> {
      this.#alarm.hasFired();
      try {
        await this.#store.alarm();
      } catch (error) {
        this.#alarm.setAt(Date.now() + AFTER_FAILURE_MS);
        console.error(error);
      }
    }
  };
}
