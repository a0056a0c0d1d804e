/**
 * A shard among replicas that run, refuse, hang and are lost, and a machine that fails between any two steps. Time is virtual,
 * and everything that happens is decided by whoever drives it.
 */
import type { Cancellation } from "../../../src/protocol/cancellation.ts";
import { encodeError } from "../../../src/protocol/error-codec.ts";
import type { AttemptEvents, AttemptOutcome, AttemptRequest, AttemptSender, Rejoined } from "../../../src/tasks/ports.ts";
import { TaskShard } from "../../../src/tasks/shard.ts";
import { MemoryTaskStore, type TaskStore } from "../../../src/tasks/store.ts";
import type { TasksConfig } from "../../../src/protocol/manifest.ts";
import { DEFAULT_TASKS } from "../../../src/protocol/tasks.ts";
import type { Place } from "../../../src/tasks/task.ts";

/** Lets every promise that can settle do so. */
export async function settled(): Promise<void> {
  for (let n = 0; n < 30; n++) await Promise.resolve();
}

/** What a replica does with attempts that reach it. */
export type Manner = "runs" | "refuses" | "waits" | "is gone" | "has no method" | "answer is lost";

/** An attempt that runs in a replica. */
export interface Run {
  readonly taskId: string;
  readonly place: Place;
  readonly attempt: number;
  isStopped: boolean;
  end(outcome: AttemptOutcome): void;
}

class Dead extends Error {}

/** One life of the shard's object. */
class Life {
  isDead = false;
  /** It dies before this many more steps. */
  stepsLeft = Infinity;
  readonly shard: TaskShard;

  constructor(world: World) {
    const guarded = new Proxy(world.store, {
      get:
        (store, name: keyof TaskStore) =>
        (...args: unknown[]) =>
          this.#use(store, name, args),
    });
    this.shard = new TaskShard({
      app: "app",
      shard: 0,
      store: guarded as unknown as TaskStore,
      sender: world.senderFor(this),
      options: () => world.options,
      wakeAt: (timeMs) => {
        if (!this.isDead) world.alarmAt = timeMs;
      },
      keepAlive: (promise) => void promise.catch(() => {}),
      warn: (_, message, fields) => {
        if (message.startsWith("An attempt of a task ignores"))
          world.overtaken.add(`${fields["task"] as string} ${fields["delivery"] as string}`);
      },
      now: () => world.nowMs,
      random: world.random,
    });
  }

  #isInside = false;

  #use(store: TaskStore, name: keyof TaskStore, args: readonly unknown[]): unknown {
    if (this.isDead) throw new Dead("This life is over.");
    const isWrite = ["put", "insert", "delete", "setPayload", "setMark", "add", "transaction"].includes(name);
    const act = () => (store[name] as (...args: readonly unknown[]) => unknown).apply(store, [...args]);
    if (!isWrite || this.#isInside) return act();
    // As one: the machine fails before it or after it.
    this.#takeStep();
    this.#isInside = true;
    const answer = act();
    this.#isInside = false;
    this.#takeStep();
    return answer;
  }

  #takeStep(): void {
    if (this.stepsLeft-- > 0) return;
    this.isDead = true;
    throw new Dead("The machine has failed.");
  }
}

/** The world of one shard. */
export class World {
  nowMs = 1_000_000;
  alarmAt: number | undefined;
  options: TasksConfig = { ...DEFAULT_TASKS, timeoutMs: 60_000 };
  manner: Manner = "runs";
  /** How many attempts its replicas have room for, together. */
  room = Infinity;
  /** How often they have refused one. */
  refusals = 0;
  readonly store = new MemoryTaskStore();
  readonly runs = new Set<Run>();
  /** Every attempt that has begun, by task. */
  readonly begun = new Map<string, number>();
  /** Attempts that were logged as overtaken: task and delivery. */
  readonly overtaken = new Set<string>();
  /** What must never happen, and did. */
  readonly wrongs: string[] = [];
  /** Who waits for a slot. */
  readonly queue = new Set<() => void>();
  #life: Life | undefined;
  #deliveries = 0;
  readonly random: () => number;

  constructor(random: () => number = () => 0.5) {
    this.random = random;
  }

  get life(): Life {
    if (this.#life === undefined || this.#life.isDead) this.#life = new Life(this);
    return this.#life;
  }

  get shard(): TaskShard {
    return this.life.shard;
  }

  /** The machine fails now. */
  crash(): void {
    if (this.#life !== undefined) this.#life.isDead = true;
  }

  /** Does something with the shard; `undefined` when the machine fails in the middle of it. */
  async ask<T>(what: (shard: TaskShard) => Promise<T>): Promise<{ readonly value: T } | undefined> {
    try {
      const { life } = this;
      const value = await what(life.shard);
      return life.isDead ? undefined : { value };
    } catch (error) {
      if (error instanceof Dead) return undefined;
      throw error;
    } finally {
      await settled();
    }
  }

  /** Lets time pass; alarms fire on the way. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.nowMs + ms;
    for (let fired = 0; this.alarmAt !== undefined && this.alarmAt <= untilMs; fired++) {
      if (fired > 5000) throw new Error(`The alarm fires without end, at ${this.nowMs}.`);
      this.nowMs = Math.max(this.nowMs, this.alarmAt);
      // As durable-objects/alarm.ts does: armed before it works.
      this.alarmAt = this.nowMs + 1000;
      await this.ask(async (shard) => shard.alarm());
    }
    this.nowMs = untilMs;
    await settled();
  }

  run(id: string): Run | undefined {
    return [...this.runs].find(({ taskId }) => taskId === id);
  }

  /** A replica is gone, with all that it runs: who waits for it hears so. */
  kill(replica: string): void {
    for (const run of this.runs) if (run.place.replica === replica) run.end({ kind: "lost" });
  }

  senderFor(life: Life): AttemptSender {
    return {
      send: (request, events, cancellation) => this.#send(life, request, events, cancellation),
      rejoin: (_, place) => this.#rejoin(place),
      stop: async (_, place) => {
        for (const run of this.runs) if (run.place.delivery === place.delivery) run.isStopped = true;
      },
    };
  }

  async #send(life: Life, request: AttemptRequest, events: AttemptEvents, cancellation: Cancellation): Promise<AttemptOutcome> {
    const manner = this.manner;
    if (manner === "waits") {
      const isCancelled = await new Promise<boolean>((resolve) => {
        const next = () => resolve(false);
        this.queue.add(next);
        cancellation.listen(() => {
          this.queue.delete(next);
          resolve(true);
        });
      });
      if (isCancelled) return { kind: "not-begun" };
    } else await Promise.resolve();
    if (manner === "is gone") return { kind: "not-begun" };
    const delivery = `d${++this.#deliveries}`;
    const place = { replica: `r${this.#deliveries % 3}`, delivery };
    const permit = events.sending(place);
    if (permit === undefined) return { kind: "not-begun" };
    await Promise.resolve();
    if (manner === "refuses" || this.runs.size >= this.room) {
      this.refusals++;
      events.refused();
      return { kind: "not-begun" };
    }
    if (manner === "has no method") return { kind: "missing", error: encodeError(new Error("There is no such method.")) };
    // The message has left, or the machine failed before it did.
    if (life.isDead && this.random() < 0.5) return { kind: "lost" };
    const outcome = this.#begin(request.taskId, place, permit.attempt);
    cancellation.listen(() => {
      for (const run of this.runs) if (run.place.delivery === delivery) run.isStopped = true;
    });
    return manner === "answer is lost" ? { kind: "lost" } : outcome;
  }

  #begin(taskId: string, place: Place, attempt: number): Promise<AttemptOutcome> {
    for (const other of this.runs)
      if (other.taskId === taskId && !this.overtaken.has(`${taskId} ${other.place.delivery}`))
        this.wrongs.push(`Attempt ${attempt} of ${taskId} begins beside attempt ${other.attempt}.`);
    this.begun.set(taskId, (this.begun.get(taskId) ?? 0) + 1);
    return new Promise((resolve) => {
      const run: Run = {
        taskId,
        place,
        attempt,
        isStopped: false,
        end: (outcome) => {
          this.runs.delete(run);
          this.#waiters.get(place.delivery)?.forEach((tell) => tell(outcome));
          this.#waiters.delete(place.delivery);
          resolve(outcome);
        },
      };
      this.runs.add(run);
    });
  }

  readonly #waiters = new Map<string, ((outcome: AttemptOutcome) => void)[]>();
  /** Whether replicas do not answer when an attempt that they are asked for has ended. */
  isSilent = false;
  /** Whether replicas cannot be asked. */
  isCutOff = false;

  async #rejoin(place: Place): Promise<Rejoined> {
    await Promise.resolve();
    if (this.isCutOff) throw new Error("The network is down.");
    if (![...this.runs].some((run) => run.place.delivery === place.delivery)) return { kind: "not-running" };
    // Nobody will ever say so.
    if (this.isSilent) return new Promise(() => {});
    return new Promise((resolve) => {
      this.#waiters.set(place.delivery, [...(this.#waiters.get(place.delivery) ?? []), resolve]);
    });
  }
}
