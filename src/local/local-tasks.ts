/**
 * Tasks of a local run: the same rules, in the memory of this process. Schedules don't fire.
 */
import { writeLog } from "../context/logger.ts";
import { sleep } from "../context/with-timeout.ts";
import { MAX_TIME_MS } from "../protocol/limits.ts";
import { DEFAULT_TASKS, type TaskCall, type TaskOutcome, type TaskPort, type TaskShardRpc } from "../protocol/tasks.ts";
import type { Replica } from "../replica/replica.ts";
import type { KeyedRouter } from "../router/keyed-router.ts";
import type { Router } from "../router/router.ts";
import { TaskClient } from "../tasks/client.ts";
import { RouterSender } from "../tasks/sender.ts";
import { TaskShard } from "../tasks/shard.ts";
import { MemoryTaskStore } from "../tasks/store.ts";

/** What runs in this process. */
export interface LocalParts {
  readonly app: string;
  /** `undefined` for a deployment that there is none of. */
  routerTo(deployment: string): Router | KeyedRouter | undefined;
  replicaOf(name: string, deployment: string): Replica;
  /** @throws what is wrong with a call before it is enqueued. */
  check(call: TaskCall): void;
}

/** The longest that a question for an outcome waits. */
const WAIT_MS = 1000;

/** Where the calls of a local run are enqueued. */
export function localTasks(parts: LocalParts): TaskPort {
  const shards = new Map<number, TaskShardRpc>();
  return new TaskClient({
    shard({ app, shard }) {
      if (app !== parts.app) return undefined;
      let known = shards.get(shard);
      if (known === undefined) shards.set(shard, (known = shardOf(shard, parts)));
      return known;
    },
    check: (call) => parts.check(call),
    now: Date.now,
    random: Math.random,
    sleep,
  });
}

function shardOf(number: number, { app, routerTo, replicaOf }: LocalParts): TaskShardRpc {
  const timer = new Wake(() => shard.alarm());
  const shard = new LocalShard({
    app,
    shard: number,
    store: new MemoryTaskStore(),
    sender: new RouterSender({
      routerTo: (_, deployment) => routerTo(deployment),
      rejoin: async ({ deployment }, { replica, delivery }) => replicaOf(replica, deployment).rejoin(delivery),
      stop: async ({ deployment }, { replica, delivery }, reason) => replicaOf(replica, deployment).cancel(delivery, reason),
      requestId: () => crypto.randomUUID(),
    }),
    options: (deployment) => routerTo(deployment)?.tasksConfig ?? DEFAULT_TASKS,
    wakeAt: (timeMs) => timer.setAt(timeMs),
    keepAlive: (promise) => void promise.catch(() => {}),
    warn: (deployment, message, fields) => writeLog("WARNING", message, fields, { app, deployment }),
    now: Date.now,
    random: Math.random,
  });
  return shard;
}

/** Its questions for outcomes wait less than an object's, and are asked again: their timers keep the process from ending. */
class LocalShard extends TaskShard {
  override outcome(id: string, waitMs: number): Promise<TaskOutcome | undefined> {
    return super.outcome(id, Math.min(waitMs, WAIT_MS));
  }
}

/** An alarm. What waits does not keep the process from ending. */
class Wake {
  readonly #ring: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #atMs = 0;

  constructor(ring: () => void) {
    this.#ring = ring;
  }

  setAt(timeMs: number | undefined): void {
    const timer = this.#timer;
    this.#timer = undefined;
    this.#atMs = timeMs ?? 0;
    if (timeMs !== undefined) this.#wait();
    // A timer of the past finds that it is not the one that is waited for.
    (timer as { unref?(): void } | undefined)?.unref?.();
  }

  #wait(): void {
    const timer = setTimeout(
      () => {
        if (this.#timer !== timer) return;
        this.#timer = undefined;
        if (Date.now() < this.#atMs) this.#wait();
        else this.#ring();
      },
      Math.max(0, Math.min(MAX_TIME_MS, this.#atMs - Date.now())),
    );
    (timer as { unref?(): void }).unref?.();
    this.#timer = timer;
  }
}
