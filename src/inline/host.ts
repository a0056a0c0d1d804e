/**
 * Where instances of inline deployments live: a replica of another deployment, or the Worker.
 *
 * Owns: which instances there are at a caller, and what they have of it.
 * Does not own: how a call gets to one (target.ts), what it does (replica/).
 *
 * Invariants:
 *   O1. A caller has one instance of a deployment, however it got the handle. What runs inline in a replica calls as that replica.
 *   O2. Instances of a replica share its life: they are configured with it, and disposed of when it is.
 */
import { currentScope, type ReplicaScope } from "../context/scope.ts";
import type { After } from "../context/with-timeout.ts";
import type { DeploymentConfig } from "../protocol/manifest.ts";
import { addSource } from "../observe/sources.ts";
import { guestSeries, type SeriesByKey } from "../protocol/metrics.ts";
import type { Guests } from "../replica/control.ts";
import type { Replica } from "../replica/replica.ts";

/** What a caller has that its instances share. */
export interface HostParts {
  /** Of the replica; `""` is the Worker. */
  readonly replicaId: string;
  readonly env: unknown;
  readonly after: After;
  /** Its requests share nothing: see {@link ReplicaScope}. */
  readonly isUnshared?: true;
  /** Lets something go on although nobody waits for it. */
  readonly keepAlive?: (promise: Promise<unknown>) => void;
  /** See {@link ReplicaScope}. */
  readonly controlledBy?: string | undefined;
}

/** An instance, and what is to hold for it. */
export interface Guest {
  readonly app: string;
  readonly deployment: string;
  readonly replica: Replica;
  /** Brings it in line with its newest configuration, if that is another one. Never rejects. */
  configure(): Promise<void>;
}

/** One caller's instances. */
export class Host implements Guests {
  readonly parts: HostParts;
  readonly #guests = new Map<object, Guest>();
  configs: Readonly<Record<string, DeploymentConfig>> | undefined;

  constructor(parts: HostParts) {
    this.parts = parts;
  }

  /** The instance of a deployment, made when it is first asked for. @param target Which one. */
  guest(target: object, make: (host: Host) => Guest): Guest {
    let guest = this.#guests.get(target);
    if (guest === undefined) this.#guests.set(target, (guest = make(this)));
    return guest;
  }

  /** What the caller was told of a deployment's configuration. */
  configOf(app: string, deployment: string): DeploymentConfig | undefined {
    return app === this.parts.controlledBy ? this.configs?.[deployment] : undefined;
  }

  async configure(): Promise<void> {
    await Promise.all([...this.#guests.values()].map((guest) => guest.configure()));
  }

  async dispose(): Promise<void> {
    const guests = [...this.#guests.values()];
    this.#guests.clear();
    await Promise.all(guests.map(({ replica }) => replica.uncontrolled.dispose()));
  }

  /** What its instances have measured, for whoever tells what the replica has. */
  get measured(): SeriesByKey {
    const all = [...this.#guests.values()].map(({ app, deployment, replica }) =>
      guestSeries(`${app}/${deployment}`, replica.uncontrolled.measured().series),
    );
    return Object.assign({}, ...all) as SeriesByKey;
  }
}

// Weakly, because replicas come and go in an isolate.
const hosts = new WeakMap<ReplicaScope, Host>();

/** The host that calls from here are made at. */
export function hostHere(worker: Host): Host {
  const replica = currentScope()?.replica;
  return replica === undefined ? worker : hostOf(replica);
}

/** The host that a replica is. */
export function hostOf(replica: ReplicaScope): Host {
  let host = hosts.get(replica);
  if (host === undefined) {
    const made = (host = new Host(partsOf(replica)));
    hosts.set(replica, made);
    addSource(replica, () => made.measured);
  }
  return host;
}

/** Says what host a replica is, or what runs inline in one. */
export function setHost(replica: ReplicaScope, host: Host): void {
  hosts.set(replica, host);
}

function partsOf({ context: { replicaId, env }, controlledBy, after }: ReplicaScope): HostParts {
  return { controlledBy, replicaId, env, after };
}
