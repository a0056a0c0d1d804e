/**
 * The controlled side of the object of a key: what its callers tell it of its configuration, and its deletion.
 *
 * Owns: which configuration holds, and that it is kept for what comes from no caller: alarms. What a deletion does to requests.
 * Does not own: sockets, storage (durable-objects/), the instance's life (instance.ts).
 *
 * Invariants:
 *   O1. An older configuration never replaces a newer one, and one of other code is kept and not obeyed.
 *   O2. What was compiled is not stored: most objects are never told anything.
 */
import type { After } from "../context/with-timeout.ts";
import { ReplicaUnavailableError } from "../protocol/errors.ts";
import { type KeyedConfig, OBJECT_DELETED } from "../protocol/keys.ts";
import type { DeploymentConfig } from "../protocol/manifest.ts";
import type { Admission } from "./admission.ts";
import { Deleted } from "./deleted.ts";
import type { Instance } from "./instance.ts";
import type { ObjectEvents } from "./object-events.ts";
import type { ReplicaMeter } from "./replica-meter.ts";
import type { Runs } from "./run.ts";

/** What the object of a key keeps in its own storage. */
export interface RememberedKeyed {
  readonly keyed?: KeyedConfig;
  /** What its class was last configured with. */
  readonly userConfig?: unknown;
}

/** Where the object of a key has its configuration from. */
export interface KeyedParts {
  /** What was compiled: it holds until a caller says otherwise. */
  readonly compiled: KeyedConfig;
  /** What was saved last, by this object. */
  load(): RememberedKeyed | undefined;
  save(remembered: RememberedKeyed): void;
  /** Ends the object at once, with whatever it still runs: a request does not come to its end. */
  terminate(reason: string): void;
  /** Says to this code's callers of other objects what this one has been told. */
  learned?(config: KeyedConfig): void;
}

/** The object that is controlled. */
export interface KeyedObject {
  readonly admission: Admission;
  readonly instance: Instance;
  readonly runs: Runs;
  readonly meter: ReplicaMeter;
  readonly events: Pick<ObjectEvents, "abortAll">;
  readonly after: After;
}

/** How long answers take that are on their way out when the object is deleted. */
const ANSWERED_MS = 10;

export class KeyedControl {
  readonly #parts: KeyedParts;
  readonly #object: KeyedObject;
  #remembered: RememberedKeyed;
  /** Whether it is being deleted, and takes nothing new. */
  isDeleted = false;
  // What follows from a controller's reports, of which there are none.
  readonly membership = undefined;
  readonly figures = undefined;
  readonly healthCheckTimeoutMs = undefined;

  constructor(parts: KeyedParts, object: KeyedObject) {
    this.#parts = parts;
    this.#object = object;
    this.#remembered = parts.load() ?? {};
    object.admission.setLimits(this.config);
  }

  /** What the object is to run with. */
  get config(): DeploymentConfig {
    const { compiled } = this.#parts;
    const told = this.#remembered.keyed;
    return told?.version === compiled.version ? told.config : compiled.config;
  }
  get userConfig(): unknown {
    return this.config.userConfig;
  }
  get lastUserConfig(): unknown {
    return this.#remembered.userConfig;
  }

  /** A caller knows this configuration. Requests that come later run with it; the class is given its part beside them. */
  take(config: KeyedConfig): void {
    if (config.epoch <= (this.#remembered.keyed?.epoch ?? this.#parts.compiled.epoch)) return;
    this.#remember({ ...this.#remembered, keyed: config });
    this.#parts.learned?.(config);
    this.#object.admission.setLimits(this.config);
    // What it throws is logged where it does.
    void this.#object.instance.reconfigure();
  }

  /** The class took its configuration. */
  configured(userConfig: unknown): void {
    if (JSON.stringify(userConfig) !== JSON.stringify(this.lastUserConfig)) this.#remember({ ...this.#remembered, userConfig });
  }

  /** Whether what happens to the object is still for it. */
  async isWanted(): Promise<boolean> {
    return !this.isDeleted;
  }

  // There is nobody to tell but the log, which knows.
  refused(): void {}
  startFailed(): void {}

  /** From now on nothing begins here. What waits is sent to the next object, what runs sees its signal abort. Resolves when what waited has been answered. */
  delete(): Promise<void> {
    this.isDeleted = true;
    this.#object.admission.withdrawAll(new Deleted());
    const reason = new ReplicaUnavailableError(`${OBJECT_DELETED}.`, { hasBegun: true });
    this.#object.runs.abortAll(reason);
    this.#object.events.abortAll(reason);
    return new Promise((resolve) => this.#object.after(ANSWERED_MS, resolve));
  }

  /** Ends the object at once, with whatever it still runs. */
  terminate(reason: string): void {
    this.#parts.terminate(reason);
  }

  #remember(remembered: RememberedKeyed): void {
    this.#remembered = remembered;
    this.#parts.save(remembered);
  }
}
