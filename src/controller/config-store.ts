/**
 * The configuration that an operator has put in place of what was compiled, for all applications together.
 *
 * One object for the system, so that a document is taken as a whole or not at all; each application's controller then
 * gets its part.
 *
 * Invariants:
 *   F1. What was acknowledged is stored here and with every controller.
 *   F2. A document that was stored reaches every controller, however often this object or a controller is lost.
 *   F3. New code is a newer word than a document that was put before it: the document is forgotten, for good. Going back
 *       to the code of before does not bring it back, wherever that code was seen.
 *   F4. Whatever fails here, an alarm is set that goes on with it: it is asked for before anything is stored.
 */
import type { ConfigChange } from "../protocol/control.ts";
import type { ApplicationManifest, Manifest } from "../protocol/manifest.ts";
import { own } from "../protocol/own.ts";

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
  /** No operator's document, but what was compiled. */
  readonly isCompiled?: boolean;
}

/** What the shell hands to the store. */
export interface ConfigStorePorts {
  readonly compiled: Manifest;
  load(): StoredConfig | undefined;
  save(config: StoredConfig): void;
  wakeAt(timeMs: number | undefined): void;
  /** Rejects if the controller was not reached, or does not answer in time. */
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
  /** An application's controller has seen other code, and gone over to what that was compiled to. */
  moved(version: string, app: string): Promise<void>;
}

const REDELIVER_MS = 1000;

export class ConfigStore implements ConfigStoreRpc {
  readonly #ports: ConfigStorePorts;

  constructor(ports: ConfigStorePorts) {
    this.#ports = ports;
    const { compiled, load, save, wakeAt, now } = ports;
    const stored = load();
    if (stored === undefined) return;
    if (stored.version === compiled.version) {
      if (stored.pending.length > 0) wakeAt(now() + REDELIVER_MS);
      return;
    }
    wakeAt(now());
    const applications = { ...noneOf(stored.applications), ...compiledApplications(compiled) };
    const pending = Object.keys(applications);
    save({ revision: stored.revision + 1, version: compiled.version, applications, pending, isCompiled: true });
  }

  async put(version: string, applications: readonly ApplicationManifest[]): Promise<number> {
    return this.#store(version, {
      ...noneOf(this.#current()),
      ...Object.fromEntries(applications.map((application) => [application.name, application])),
    });
  }

  async remove(version: string, app: string): Promise<boolean> {
    const applications = this.#current();
    if ((own(applications, app) ?? null) === null) return false;
    // Only this one changes: the others keep what was scaled by hand, which a whole document would take back.
    const pending = new Set([...(this.#ports.load()?.pending ?? []), app]);
    await this.#store(version, { ...applications, [app]: null }, [...pending]);
    return true;
  }

  async current(): Promise<Applications> {
    return this.#current();
  }

  async moved(version: string, app: string): Promise<void> {
    const { compiled, load, save } = this.#ports;
    const stored = load();
    if (stored === undefined || stored.version === version) return;
    const applications = { ...stored.applications, [app]: own(compiledApplications(compiled), app) ?? null };
    save({ ...stored, applications, pending: stored.pending.filter((name) => name !== app) });
  }

  /** Goes on with what was interrupted. */
  async alarm(): Promise<void> {
    const stored = this.#ports.load();
    if (stored !== undefined && stored.pending.length > 0) await this.#deliver(stored);
    else this.#ports.wakeAt(undefined);
  }

  #current(): Applications {
    const { compiled, load } = this.#ports;
    return load()?.applications ?? compiledApplications(compiled);
  }

  async #store(version: string, applications: Applications, pending = Object.keys(applications)): Promise<number> {
    const { compiled, load, save, wakeAt, now } = this.#ports;
    if (version !== compiled.version) {
      throw new Error(`The document was checked against version ${version} of the code, and ${compiled.version} runs. Send it again.`);
    }
    const revision = (load()?.revision ?? 0) + 1;
    const stored = { revision, version, applications, pending };
    wakeAt(now() + REDELIVER_MS);
    save(stored);
    await this.#deliver(stored);
    return revision;
  }

  async #deliver({ revision, version, applications, pending, isCompiled = false }: StoredConfig): Promise<void> {
    const { deliver, load, save, wakeAt, now } = this.#ports;
    // Before anything else: whatever happens now, this object is woken to finish.
    wakeAt(now() + REDELIVER_MS);
    const settled = await Promise.allSettled(
      pending.map((app) => deliver(app, { revision, version, application: own(applications, app) ?? null, isCompiled })),
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

function compiledApplications({ applications }: Manifest): Applications {
  return Object.fromEntries(applications.map((application) => [application.name, application]));
}

function noneOf(applications: Applications): Applications {
  return Object.fromEntries(Object.keys(applications).map((name) => [name, null]));
}
