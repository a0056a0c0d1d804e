/**
 * Which replicas a caller believes to have which models: plain data, kept in the isolate across requests.
 *
 * Being wrong costs one load, and makes it true: the replica that is sent the request has the model from then on. So
 * nothing is asked, and what is known comes with answers.
 *
 * Invariants:
 *   H1. At most `MAX_MODELS` models are known; the one that was heard of longest ago is forgotten first.
 *   H2. What was not heard of for `FRESH_MS` counts as unknown.
 *   H3. Of a replica that has left the set nothing is kept beyond the next set.
 */

/** How many models one isolate remembers. */
const MAX_MODELS = 1000;
/** How long a replica is believed to have a model. One that is asked for less often than this has probably gone. */
const FRESH_MS = 30_000;

export class ModelHolders {
  readonly #now: () => number;
  // By model, then by replica: when it was last known to have it. The model heard of longest ago comes first.
  readonly #seenAtMs = new Map<string, Map<string, number>>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Whether the replica is believed to have the model. */
  has(replica: string, modelId: string): boolean {
    const seenAtMs = this.#seenAtMs.get(modelId)?.get(replica);
    return seenAtMs !== undefined && this.#now() - seenAtMs <= FRESH_MS;
  }

  /** The replica has the model, or loads it. */
  saw(replica: string, modelId: string): void {
    const replicas = this.#seenAtMs.get(modelId) ?? new Map<string, number>();
    replicas.set(replica, this.#now());
    this.#seenAtMs.delete(modelId);
    this.#seenAtMs.set(modelId, replicas);
    const [oldest] = this.#seenAtMs.keys();
    if (oldest !== undefined && this.#seenAtMs.size > MAX_MODELS) this.#seenAtMs.delete(oldest);
  }

  /** The replica does not have the model. */
  missed(replica: string, modelId: string): void {
    const replicas = this.#seenAtMs.get(modelId);
    if (replicas === undefined) return;
    replicas.delete(replica);
    if (replicas.size === 0) this.#seenAtMs.delete(modelId);
  }

  /** There are no other replicas any more. */
  keep(names: ReadonlySet<string>): void {
    for (const [modelId, replicas] of this.#seenAtMs)
      for (const replica of replicas.keys()) if (!names.has(replica)) this.missed(replica, modelId);
  }

  /** The replica is gone, and what it had with it. */
  lost(replica: string): void {
    for (const modelId of this.#seenAtMs.keys()) this.missed(replica, modelId);
  }
}
