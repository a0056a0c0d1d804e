/**
 * Whom a request asks, one replica after the other, and for what: claims, then replicas beyond the set, then queues.
 *
 * Owns: how many are asked for what. Does not own: which come first (ordering.ts), asking them (router.ts).
 */
import type { AdmissionMode } from "../protocol/messages.ts";
import type { ReplicaRef, ReplicaSet } from "../protocol/replica-set.ts";
import type { Ordered, Ordering } from "./ordering.ts";
import type { Seen } from "./refusal-view.ts";
import type { ReplicaEstimates } from "./replica-estimates.ts";

/** What a replica is asked: to run the request at once, the same of one beyond the set, or to have it wait. In this order. */
const ASK_MODES = ["claim", "spill", "queue"] as const satisfies readonly (AdmissionMode | "spill")[];

export type AskMode = (typeof ASK_MODES)[number];

/** A replica, and what it is asked. */
export interface Ask {
  readonly replica: ReplicaRef;
  readonly mode: AskMode;
}

/** How many replicas are asked to run a request at once before it waits: see docs/routing.md. */
const CLAIMS = 3;
/** How many queues are tried before the caller is told that all are full. */
const QUEUES = 3;
/** How many replicas beyond the set a request may try to start. */
const SPILLS = 3;

export class Asking {
  readonly #estimates: ReplicaEstimates;
  readonly #ordering: Ordering;

  constructor(estimates: ReplicaEstimates, ordering: Ordering) {
    this.#estimates = estimates;
    this.#ordering = ordering;
  }

  /**
   * Whom to ask for what, one after the other, as long as they refuse.
   *
   * @param refusals Those that have refused to run the request at once, by the time that the next one is asked for.
   */
  *each(request: Ordered, set: ReplicaSet, refusals: readonly Seen[]): Generator<Ask, void> {
    for (const mode of ASK_MODES) {
      for (const replica of this.#of(mode, request, set, refusals)) {
        if (mode !== "claim" || this.#isWorthClaiming(replica, set)) yield { replica, mode };
      }
    }
  }

  #of(mode: AskMode, request: Ordered, set: ReplicaSet, refusals: readonly Seen[]): readonly ReplicaRef[] {
    if (mode === "claim") return this.#isInVain(set) ? [] : this.#ordering.of(request, CLAIMS);
    return mode === "spill" ? this.#toStart(set, refusals) : this.#queues(request, set, refusals);
  }

  // Whether a claim is still worth sending. Where others can be started, one that this caller itself keeps busy need not be asked.
  #isWorthClaiming(replica: ReplicaRef, set: ReplicaSet): boolean {
    return set.spill.length > 0 ? !this.#isBusy(replica, set) : !this.#estimates.isSaturated;
  }

  #isInVain({ spill }: ReplicaSet): boolean {
    return spill.length === 0 && this.#estimates.isSaturated;
  }

  // Which replicas beyond the set to start: none while some of the set may have room. Three refusals are no proof of that
  // where there are many replicas, unless requests wait at all three.
  #toStart(set: ReplicaSet, refusals: readonly Seen[]): readonly ReplicaRef[] {
    const { replicas, spill } = set;
    if (spill.length === 0) return spill;
    const isFull =
      replicas.every((replica) => this.#isBusy(replica, set)) || (refusals.length > 0 && refusals.every(({ queued }) => queued > 0));
    return isFull ? spill.filter((replica) => !this.#isBusy(replica, set)).slice(0, SPILLS) : [];
  }

  #isBusy({ name }: ReplicaRef, { config }: ReplicaSet): boolean {
    return this.#estimates.loadOf(name) >= config.maxOngoingRequests;
  }

  #queues(request: Ordered, set: ReplicaSet, refusals: readonly Seen[]): readonly ReplicaRef[] {
    if (set.replicas.length === 0) return [];
    const seen = refusals.length === 0 && this.#isInVain(set) ? this.#unasked(request) : refusals;
    const queues = seen.filter(({ isFull }) => !isFull).toSorted((a, b) => a.load - b.load);
    const others = this.#ordering.of(request, seen.length + QUEUES).filter((replica) => seen.every((one) => one.replica !== replica));
    return [...queues.map(({ replica }) => replica), ...others.slice(0, QUEUES - queues.length)];
  }

  // Two that no claim was sent to, as far as they are known.
  #unasked(request: Ordered): readonly Seen[] {
    const load = ({ name }: ReplicaRef) => this.#estimates.loadOf(name);
    return this.#ordering.of(request, 2).map((replica) => ({ replica, load: load(replica), queued: 0, isFull: false }));
  }
}
