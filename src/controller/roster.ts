/**
 * The replicas of a deployment, and what is asked of all of them together: counted as they change, so that no question goes
 * through them all.
 *
 * Owns: the list, what has to be stored of it, which replicas an order is due for. Does not own: what becomes of a replica
 * (`transition.ts`, `replica-list.ts`).
 *
 * Invariants:
 *   O1. Whatever is asked here has the answer that going through all replicas would give.
 *   O2. A change of one replica takes time that grows with the logarithm of their number; a new aim goes through them once.
 */
import { earliest, Schedule } from "./schedule.ts";
import { isInSet, mayBeAwake, type ReplicaState } from "./state.ts";

/** What the replicas are to come to. */
export interface Aim {
  /** Of the code. */
  readonly version: string;
  readonly epoch: number;
  readonly configEpoch: number;
}

/** Fields of a replica. */
export type ReplicaChange = {
  readonly [K in Exclude<keyof ReplicaState, "ordinal" | "incarnation" | "ref">]?: ReplicaState[K] | undefined;
};

interface Member {
  readonly sequence: number;
  readonly replica: ReplicaState;
}

export class Roster {
  readonly #members = new Map<string, Member>();
  readonly #inSet = new Map<number, ReplicaState>();
  readonly #byOrdinal = new Map<number, ReplicaState[]>();
  #aim: Aim = { version: "", epoch: 0, configEpoch: 0 };
  #running = 0;
  /** How many do not run the code that is aimed at. */
  #elsewhere = 0;
  /** Those that run it, have not heard of the configuration, and may be awake. */
  readonly #behind = new Set<ReplicaState>();
  readonly #starts = new Schedule<ReplicaState>();
  readonly #news = new Schedule<ReplicaState>();
  readonly #drains = new Schedule<ReplicaState>();
  /** No number below this one is free. */
  #lowestFree = 0;
  #nextSequence = 0;
  /** What is to be stored; `undefined` for those that are gone. */
  readonly #changed = new Map<string, Member | undefined>();
  /** Counts the changes of what callers may be told. */
  #revision = 0;

  get size(): number {
    return this.#members.size;
  }

  get inSetCount(): number {
    return this.#inSet.size;
  }

  get runningCount(): number {
    return this.#running;
  }

  /** Counts up whenever a replica comes, goes, or changes its phase. */
  get revision(): number {
    return this.#revision;
  }

  get(name: string): ReplicaState | undefined {
    return this.#members.get(name)?.replica;
  }

  /** All of them, in the order in which they came. */
  *[Symbol.iterator](): Generator<ReplicaState> {
    for (const { replica } of this.#members.values()) yield replica;
  }

  /** Whether a number is that of a replica in the set. */
  isTaken(ordinal: number): boolean {
    return this.#inSet.has(ordinal);
  }

  /** The replicas of a number: the one in the set, and those that drain. */
  withOrdinal(ordinal: number): readonly ReplicaState[] {
    return this.#byOrdinal.get(ordinal) ?? [];
  }

  /** The lowest number that no replica in the set has. */
  freeOrdinal(): number {
    while (this.#inSet.has(this.#lowestFree)) this.#lowestFree++;
    return this.#lowestFree;
  }

  add(replica: ReplicaState): void {
    this.#changed.set(replica.ref.name, this.#enter(replica, this.#nextSequence));
  }

  /** Takes in a replica that is stored. Version 0.1 stored no sequence, but an order. */
  restore(replica: ReplicaState, sequence: number = this.#nextSequence): void {
    this.#enter(replica, sequence);
  }

  #enter(replica: ReplicaState, sequence: number): Member {
    const member = { replica, sequence };
    this.#nextSequence = Math.max(this.#nextSequence, sequence + 1);
    this.#members.set(replica.ref.name, member);
    const { ordinal } = replica;
    this.#byOrdinal.set(ordinal, [...this.withOrdinal(ordinal), replica]);
    this.#revision++;
    this.#count(replica);
    return member;
  }

  remove(replica: ReplicaState): void {
    const { ref, ordinal } = replica;
    this.#uncount(replica);
    for (const schedule of [this.#starts, this.#news, this.#drains]) schedule.delete(replica);
    const others = this.withOrdinal(ordinal).filter((other) => other !== replica);
    if (others.length === 0) this.#byOrdinal.delete(ordinal);
    else this.#byOrdinal.set(ordinal, others);
    this.#members.delete(ref.name);
    this.#changed.set(ref.name, undefined);
    this.#revision++;
  }

  /** Changes a replica. @param isLasting Whether it is to be stored for that alone. */
  update(replica: ReplicaState, change: ReplicaChange, isLasting = true): void {
    const keys = Object.keys(change) as (keyof ReplicaChange)[];
    if (keys.every((key) => Object.is(replica[key], change[key]))) return;
    if (change.phase !== undefined && change.phase !== replica.phase) this.#revision++;
    this.#uncount(replica);
    Object.assign(replica, change);
    this.#count(replica);
    if (isLasting) this.#changed.set(replica.ref.name, this.#members.get(replica.ref.name));
  }

  /** Says what the replicas are to come to. */
  aimAt(aim: Aim): void {
    const { version, epoch, configEpoch } = this.#aim;
    if (version === aim.version && epoch === aim.epoch && configEpoch === aim.configEpoch) return;
    for (const replica of this) this.#uncount(replica);
    this.#aim = aim;
    for (const replica of this) this.#count(replica);
  }

  /** Whether all run the code, and those that may be awake have heard of the configuration. */
  isSettled(nowMs: number): boolean {
    if (this.#elsewhere > 0) return false;
    for (const replica of this.#behind) {
      if (mayBeAwake(replica, nowMs)) return false;
      this.#behind.delete(replica);
    }
    return true;
  }

  /** Whether a replica is to be started, or asked whether it runs the code. */
  wantsStart({ phase, version }: ReplicaState): boolean {
    return phase === "STARTING" || (phase === "RUNNING" && version !== this.#aim.version);
  }

  #wantsNews({ phase, epoch, contactAtMs }: ReplicaState): boolean {
    return epoch < this.#aim.epoch && contactAtMs > 0 && phase !== "STARTING";
  }

  /** When the next order is due; `undefined` when none will be. @param isStarting Whether any is to be started. */
  nextOrderAtMs(nowMs: number, isStarting: boolean): number | undefined {
    let { first } = this.#news;
    for (; first !== undefined && !isToldNews(first.key, nowMs); first = this.#news.first) this.#news.delete(first.key);
    return earliest(isStarting ? this.#starts.first?.timeMs : undefined, first?.timeMs);
  }

  /** Takes the replicas that an order is due for: {@link update} each of them. */
  *dueOrders(nowMs: number, isStarting: boolean): Generator<ReplicaState> {
    if (isStarting) yield* this.#starts.due(nowMs);
    for (const replica of this.#news.due(nowMs)) if (isToldNews(replica, nowMs)) yield replica;
  }

  /** When the next draining replica is gone; `undefined` when none drains. */
  get nextDrainedAtMs(): number | undefined {
    return this.#drains.first?.timeMs;
  }

  /** Takes the replicas that have drained, or were given up. */
  drained(nowMs: number): Iterable<ReplicaState> {
    return this.#drains.due(nowMs);
  }

  /** What has changed since it was last asked, by name; `undefined` for what is gone. */
  takeChanges(): ReadonlyMap<string, Member | undefined> {
    if (this.#changed.size === 0) return NONE;
    const changes = new Map(this.#changed);
    this.#changed.clear();
    return changes;
  }

  #count(replica: ReplicaState): void {
    const { phase, ordinal, version, epoch, retryAtMs, drainUntilMs, contactAtMs } = replica;
    const isRunning = phase === "RUNNING";
    if (isRunning) this.#running++;
    if (isInSet(replica)) this.#inSet.set(ordinal, replica);
    if (!isRunning || version !== this.#aim.version) this.#elsewhere++;
    else if (epoch < this.#aim.configEpoch) this.#behind.add(replica);
    this.#starts.set(replica, this.wantsStart(replica) ? retryAtMs : undefined);
    this.#news.set(replica, this.#wantsNews(replica) ? retryAtMs : undefined);
    // One that was never there has nothing to finish.
    this.#drains.set(replica, phase === "DRAINING" ? (contactAtMs > 0 ? drainUntilMs : -Infinity) : undefined);
  }

  #uncount(replica: ReplicaState): void {
    const { phase, ordinal, version } = replica;
    const isRunning = phase === "RUNNING";
    if (isRunning) this.#running--;
    if (this.#inSet.get(ordinal) === replica) {
      this.#inSet.delete(ordinal);
      this.#lowestFree = Math.min(this.#lowestFree, ordinal);
    }
    if (!isRunning || version !== this.#aim.version) this.#elsewhere--;
    this.#behind.delete(replica);
  }
}

// One that sleeps asks when it wakes. But its object may hold sockets, and have an alarm: when it leaves, it is woken to give them up.
function isToldNews(replica: ReplicaState, nowMs: number): boolean {
  return replica.phase === "DRAINING" || mayBeAwake(replica, nowMs);
}

const NONE: ReadonlyMap<string, undefined> = new Map();
