/**
 * A replica under virtual time that has one thread: the real admission, computing that takes turns, waiting that does not.
 *
 * Owns: slots, the thread, the count of requests. Does not own: how far away a caller is, or which job comes here.
 */
import type { Delivery, Reply, Reservation } from "../../src/protocol/messages.ts";
import { Admission, type AdmissionLimits } from "../../src/replica/admission.ts";
import type { VirtualClock } from "../simulation/clock.ts";
import { reserve, slotFor } from "../simulation/slots.ts";

/** One request, and what became of it. */
export interface Job {
  /** On the thread, the framework's part included. */
  readonly cpuMs: number;
  /** Awaiting something, while others compute. */
  readonly ioMs: number;
  /** Whether the request is counted, or fills the empty system. */
  readonly isCounted: boolean;
  hops: number;
  /** When its computing began. */
  startedAtMs: number;
  /** In which region it ran. */
  servedIn: string;
}

export class ThreadedReplica {
  readonly hint: string;
  /** Counted requests that it began. */
  served = 0;
  /** What they computed. */
  computedMs = 0;
  /** Requests that it had begun and not ended, at most. */
  mostAtOnce = 0;
  #atOnce = 0;
  readonly #clock: VirtualClock;
  readonly #admission: Admission;
  #freeAtMs = 0;

  constructor(clock: VirtualClock, hint: string, limits: AdmissionLimits) {
    this.hint = hint;
    this.#clock = clock;
    this.#admission = new Admission(limits, clock);
  }

  /** Sends a job here from so far away. */
  call(job: Job, delivery: Delivery, oneWayMs: number): Promise<Reply> {
    job.hops++;
    return new Promise((resolve) => {
      const answer = (reply: Reply) => this.#in(oneWayMs, () => resolve(reply));
      this.#in(oneWayMs, () => void this.#receive(job, delivery, answer));
    });
  }

  /** Asks for a slot for a job here, from so far away. */
  reserve(job: Job, delivery: Delivery, oneWayMs: number): Promise<Reservation> {
    job.hops++;
    return new Promise((resolve) => {
      this.#in(oneWayMs, () => void reserve(this.#admission, delivery).then((answer) => this.#in(oneWayMs, () => resolve(answer))));
    });
  }

  async #receive(job: Job, delivery: Delivery, answer: (reply: Reply) => void): Promise<void> {
    const slot = slotFor(this.#admission, delivery);
    if (slot === undefined) return answer({ kind: "refused", load: this.#admission.load });
    const held = slot instanceof Promise ? await slot : slot;
    const nowMs = this.#clock.now();
    job.startedAtMs = Math.max(nowMs, this.#freeAtMs);
    job.servedIn = this.hint;
    if (job.isCounted) {
      this.served++;
      this.computedMs += job.cpuMs;
    }
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#atOnce);
    this.#freeAtMs = job.startedAtMs + job.cpuMs;
    this.#in(this.#freeAtMs + job.ioMs - nowMs, () => {
      this.#atOnce--;
      held.release();
      answer({ kind: "value", value: null });
    });
  }

  #in(ms: number, happen: () => void): void {
    this.#clock.at(this.#clock.now() + ms, happen);
  }
}
