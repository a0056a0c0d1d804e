import { ReplicaUnavailableError, ServeError } from "../protocol/errors.ts";
import type { PlatformFailure } from "../protocol/platform-failures.ts";
import type { ReplicaRef } from "../protocol/replica-set.ts";

/** What became of a request at the replica that was lost. */
export interface Loss {
  /** Its instance may also not have started, which the replica itself has said. */
  readonly failure: PlatformFailure | "failed-start";
  /** Whether it went to the replica to be run, not just to be given a slot. */
  readonly isSent: boolean;
}

/** A replica that was lost with a request; becomes a `ReplicaUnavailableError` if the request may not be sent again. */
export class LostReplica extends Error {
  readonly #name: string;
  readonly failure: Loss["failure"];
  readonly isSent: boolean;

  constructor({ name }: ReplicaRef, cause: unknown, { failure, isSent }: Loss) {
    super("lost", { cause });
    this.#name = name;
    this.failure = failure;
    this.isSent = isSent;
  }

  /** Whether the request may be running, or have run. From the moment that it is sent nobody can tell. */
  get mayHaveBegun(): boolean {
    return this.isSent && this.failure === "lost";
  }

  /** What the caller is told. Only a request that has not begun may be sent again by whoever sent it. */
  explain(): unknown {
    const { cause, mayHaveBegun } = this;
    // A replica that did not start says why.
    if (cause instanceof ServeError) return cause;
    const reason = (cause instanceof Error ? cause.message : String(cause)).replace(/\.$/, "");
    const lost = `Replica ${JSON.stringify(this.#name)} was lost: ${reason}.`;
    return mayHaveBegun
      ? new ReplicaUnavailableError(`${lost} It may have begun the request, which is therefore not sent again.`, { cause, hasBegun: true })
      : new ReplicaUnavailableError(`${lost} The request had not begun.`, { cause });
  }
}
