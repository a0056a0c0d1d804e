/**
 * The attempts of tasks that a replica runs, for the object that sent one and has been lost since.
 *
 * Invariants:
 *   X1. An attempt of which it was said that it does not run does not begin later: the message that was to begin it may still be on
 *       its way.
 */
import { encodeError } from "../protocol/error-codec.ts";
import { SerializationError } from "../protocol/errors.ts";
import type { Refusal, Reply } from "../protocol/messages.ts";

/** For how long a message may be on its way. */
const LATE_MS = 600_000;

export class TaskAttempts {
  readonly #now: () => number;
  readonly #running = new Map<string, Promise<Reply>>();
  /** When it was said of an attempt that it does not run, by delivery. */
  readonly #denied = new Map<string, number>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * Runs an attempt, unless it was said that it does not run.
   *
   * @param method For errors.
   */
  run(delivery: string, method: string, { begin, refuse }: { begin(): Promise<Reply>; refuse(): Refusal }): Promise<Reply> {
    if (this.#denied.has(delivery)) return Promise.resolve(refuse());
    const reply = begin()
      .then((answer) => withoutItems(answer, method))
      .finally(() => this.#running.delete(delivery));
    this.#running.set(delivery, reply);
    return reply;
  }

  /** What becomes of an attempt that runs, or waits here to run; `undefined` if it does not, and then it will not. */
  rejoin(delivery: string): Promise<Reply> | undefined {
    const running = this.#running.get(delivery);
    if (running !== undefined) return running;
    const nowMs = this.#now();
    for (const [denied, atMs] of this.#denied) {
      if (nowMs - atMs < LATE_MS) break;
      this.#denied.delete(denied);
    }
    this.#denied.set(delivery, nowMs);
    return undefined;
  }
}

// Nobody is there to take them one by one.
async function withoutItems(reply: Reply, method: string): Promise<Reply> {
  if (reply.kind !== "stream") return reply;
  await Promise.resolve(reply.items.cancel()).catch(() => {});
  const error = new SerializationError(
    `${JSON.stringify(method)} is a generator, and a task has one result. Enqueue a method that returns it.`,
  );
  return { kind: "error", error: encodeError(Object.assign(error, { retryable: false })) };
}
