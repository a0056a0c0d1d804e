/**
 * The configuration that an operator has put in place of what was compiled, for all applications together.
 *
 * One object for the system, so that a document is taken as a whole or not at all; each application's controller then
 * gets its part.
 *
 * Invariants:
 *   F1. What was acknowledged is stored here and with every controller.
 *   F2. A document that was stored reaches every controller, however often this object or a controller is lost.
 *   F3. New code is a newer word than a document that was put before it: the document is forgotten.
 */
import type { ConfigChange } from "../protocol/control.ts";
import type { ApplicationManifest, Manifest } from "../protocol/manifest.ts";

/** What should run, by application; `null` is an application that was deleted. */
export type Applications = Readonly<Record<string, ApplicationManifest | null>>;

/** What is stored. JSON. */
export interface StoredConfig {
  readonly revision: number;
  /** Of the code that the applications belong to. */
  readonly version: string;
  readonly applications: Applications;
  /** Applications whose controller does not have its part yet. */
  readonly pending: readonly string[];
}

/** What the shell hands to the store. */
export interface ConfigStorePorts {
  readonly compiled: Manifest;
  load(): StoredConfig | undefined;
  save(config: StoredConfig): void;
  wakeAt(timeMs: number | undefined): void;
  deliver(app: string, change: ConfigChange): Promise<void>;
  now(): number;
}

/** What the store is called by. */
export interface ConfigStoreRpc {
  /** Takes what should run, instead of all that was before. Resolves once every controller has its part. */
  put(version: string, applications: readonly ApplicationManifest[]): Promise<number>;
  /** Deletes one application; `false` when there is none of that name. */
  remove(version: string, app: string): Promise<boolean>;
  /** What should run, by application. */
  current(): Promise<Applications>;
}

const REDELIVER_MS = 1000;

export class ConfigStore implements ConfigStoreRpc {
  readonly #ports: ConfigStorePorts;

  constructor(ports: ConfigStorePorts) {
    this.#ports = ports;
  }

  async put(version: string, applications: readonly ApplicationManifest[]): Promise<number> {
    const gone = Object.fromEntries(Object.keys(this.#current()).map((name) => [name, null]));
    return this.#store(version, { ...gone, ...Object.fromEntries(applications.map((application) => [application.name, application])) });
  }

  async remove(version: string, app: string): Promise<boolean> {
    const applications = this.#current();
    if ((applications[app] ?? null) === null) return false;
    await this.#store(version, { ...applications, [app]: null });
    return true;
  }

  async current(): Promise<Applications> {
    return this.#current();
  }

  /** Goes on with what was interrupted. */
  async alarm(): Promise<void> {
    const stored = this.#ports.load();
    if (stored !== undefined && stored.pending.length > 0) await this.#deliver(stored);
  }

  #current(): Applications {
    const { compiled, load } = this.#ports;
    const stored = load();
    return stored?.version === compiled.version
      ? stored.applications
      : Object.fromEntries(compiled.applications.map((application) => [application.name, application]));
  }

  async #store(version: string, applications: Applications): Promise<number> {
    const { compiled, load, save } = this.#ports;
    if (version !== compiled.version) {
      throw new Error(`The document was checked against version ${version} of the code, and ${compiled.version} runs. Send it again.`);
    }
    const revision = (load()?.revision ?? 0) + 1;
    const stored = { revision, version, applications, pending: Object.keys(applications) };
    save(stored);
    await this.#deliver(stored);
    return revision;
  }

  async #deliver({ revision, version, applications, pending }: StoredConfig): Promise<void> {
    const { deliver, load, save, wakeAt, now } = this.#ports;
    // Before anything else: whatever happens now, this object is woken to finish.
    wakeAt(now() + REDELIVER_MS);
    const settled = await Promise.allSettled(
      pending.map((app) => deliver(app, { revision, version, application: applications[app] ?? null })),
    );
    const newest = load();
    // A later document has replaced this one, and delivers its own parts.
    if (newest?.revision !== revision) return;
    const left = pending.filter((_, index) => settled[index]?.status === "rejected");
    save({ ...newest, pending: left });
    if (left.length === 0) wakeAt(undefined);
    const failed = settled.find((one) => one.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }
}
