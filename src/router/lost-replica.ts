import { ReplicaUnavailableError } from "../protocol/errors.ts";
import type { PlatformFailure } from "../protocol/platform-failures.ts";
import type { ReplicaRef } from "../protocol/replica-set.ts";

/** A replica that was lost with a request; becomes a `ReplicaUnavailableError` if the request may not be sent again. */
export class LostReplica extends Error {
  readonly #name: string;
  readonly failure: PlatformFailure;
  /** Whether it went to the replica to be run, not just to be given a slot. */
  readonly isSent: boolean;

  constructor({ name }: ReplicaRef, cause: unknown, { failure, isSent }: { readonly failure: PlatformFailure; readonly isSent: boolean }) {
    super("lost", { cause });
    this.#name = name;
    this.failure = failure;
    this.isSent = isSent;
  }

  /** Whether the request may be running, or have run. */
  get mayHaveBegun(): boolean {
    return this.isSent && this.failure === "lost";
  }

  /** What the caller is told. */
  explain(): ReplicaUnavailableError {
    const { cause } = this;
    const reason = (cause instanceof Error ? cause.message : String(cause)).replace(/\.$/, "");
    const began = this.mayHaveBegun ? " It may have begun the request, which is therefore not sent again." : "";
    return new ReplicaUnavailableError(`Replica ${JSON.stringify(this.#name)} was lost: ${reason}.${began}`, { cause });
  }
}
