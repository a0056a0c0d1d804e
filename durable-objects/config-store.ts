/**
 * The Durable Object behind the operator's configuration: a shell around `src/controller/config-store.ts`.
 *
 * Owns: storage, the alarm, RPC names. Does not own: what a document means, or who may put one.
 */
import { DurableObject } from "cloudflare:workers";
import type { Applications, ConfigStore, ConfigStorePorts, ConfigStoreRpc, StoredConfig } from "../src/controller/config-store.ts";
import type { ApplicationManifest } from "../src/protocol/manifest.ts";
import { Alarm } from "./alarm.ts";
import { Core } from "./core.ts";

const STATE = "config";

/** The part of the store's surroundings that its object provides. */
export type ConfigStoreShell = Pick<ConfigStorePorts, "load" | "save" | "wakeAt">;

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
        wakeAt: (timeMs) => this.#alarm.setAt(timeMs),
      };
      this.#core = new Core(() => make(shell));
    }

    /** RPC. Takes a document as a whole. */
    async put(version: string, applications: readonly ApplicationManifest[]): Promise<number> {
      return this.#core.get().put(version, applications);
    }

    /** RPC. Deletes one application. */
    async remove(version: string, app: string): Promise<boolean> {
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

    override alarm(): Promise<void> {
      return this.#alarm.fire(() => this.#core.get().alarm());
    }
  };
}
