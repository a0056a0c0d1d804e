/**
 * The Durable Object behind a shard of an application's tasks: a shell around `src/tasks/shard.ts`.
 *
 * Owns: storage, the alarm, RPC names. Does not own: anything that a shard decides, and the way to the replicas, which the
 * wiring hands in.
 *
 * The object's name is `tasks/<app>/<shard>` (`shardName`), and a task's id names both: see `src/tasks/task-id.ts`. Callers use
 * `src/tasks/client.ts`, which knows all shards of an application.
 */
import { DurableObject } from "cloudflare:workers";
import type { EnqueueRequest, TaskCounters, TaskOutcome, TaskQuery, TaskShardRpc, TaskStatus } from "../src/protocol/tasks.ts";
import type { TaskShardPorts } from "../src/tasks/ports.ts";
import type { TaskShard } from "../src/tasks/shard.ts";
import { SqliteTaskStore } from "../src/tasks/sqlite-store.ts";
import { parseShardName } from "../src/tasks/task-id.ts";
import { Alarm } from "./alarm.ts";
import { Core } from "./core.ts";

/** The part of a shard's surroundings that its object provides. */
export type TaskShardShell = Pick<TaskShardPorts, "app" | "shard" | "store" | "wakeAt" | "keepAlive">;

/** Makes the core of a shard from what the platform gives its object. */
export type MakeTaskShard = (shell: TaskShardShell) => TaskShard;

/** The Durable Object class of the shards. */
export function taskShardClass(make: MakeTaskShard): new (state: DurableObjectState, env: unknown) => DurableObject & TaskShardRpc {
  return class extends DurableObject implements TaskShardRpc {
    readonly #core: Core<TaskShard>;
    readonly #alarm: Alarm;

    constructor(state: DurableObjectState, env: unknown) {
      super(state, env as Cloudflare.Env);
      this.#alarm = new Alarm(state.storage);
      this.#core = new Core(() => make(shellOf(state, this.#alarm)));
    }

    /** RPC. Stores a task. */
    async enqueue(request: EnqueueRequest): Promise<string> {
      return this.#core.get().enqueue(request);
    }

    /** RPC. What is known of a task. */
    async status(id: string): Promise<TaskStatus | undefined> {
      return this.#core.get().status(id);
    }

    /** RPC. Waits for what becomes of a task. */
    async outcome(id: string, waitMs: number): Promise<TaskOutcome | undefined> {
      return this.#core.get().outcome(id, waitMs);
    }

    /** RPC. Cancels a task. */
    async cancel(id: string): Promise<boolean | undefined> {
      return this.#core.get().cancel(id);
    }

    /** RPC. Begins a finished task again. */
    async retry(id: string): Promise<boolean | undefined> {
      return this.#core.get().retry(id);
    }

    /** RPC. Tasks, newest first. */
    async list(query: TaskQuery): Promise<readonly TaskStatus[]> {
      return this.#core.get().list(query);
    }

    /** RPC. The application is deleted. */
    async cancelWaiting(): Promise<void> {
      return this.#core.get().cancelWaiting();
    }

    /** RPC. What is scraped. */
    async counters(): Promise<TaskCounters> {
      return this.#core.get().counters();
    }

    override alarm(): Promise<void> {
      return this.#alarm.fire(() => this.#core.get().alarm());
    }
  };
}

// What is written here is on disk before any message that follows from it leaves the object: the platform holds it back.
function shellOf(state: DurableObjectState, alarm: Alarm): TaskShardShell {
  const address = parseShardName(state.id.name ?? "");
  if (address === undefined) throw new Error(`${JSON.stringify(state.id.name)} is not the name of a shard of tasks.`);
  return {
    ...address,
    store: new SqliteTaskStore(state.storage),
    wakeAt: (timeMs) => alarm.setAt(timeMs),
    keepAlive: (promise) => state.waitUntil(promise),
  };
}
