/** A shard of tasks whose attempts do what a test says, in replicas that are objects of a module: they outlive the shard. */
import type { Cancellation } from "../../src/protocol/cancellation.ts";
import { encodeError } from "../../src/protocol/error-codec.ts";
import type { AttemptEvents, AttemptOutcome, AttemptRequest, AttemptSender, Rejoined } from "../../src/tasks/ports.ts";
import { TaskShard } from "../../src/tasks/shard.ts";
import { type SqlDatabase, SqliteTaskStore } from "../../src/tasks/sqlite-store.ts";
import { decodeArguments } from "../../src/tasks/payload.ts";
import type { TasksConfig } from "../../src/protocol/manifest.ts";
import { DEFAULT_TASKS } from "../../src/protocol/tasks.ts";
import { type TaskShardShell, taskShardClass } from "../../durable-objects/tasks.ts";
import { STORE_BEHAVIOURS, waitingRow } from "../support/task-store-conformance.ts";

/** What attempts do, by deployment. */
const METHODS: Readonly<Record<string, (args: readonly unknown[], attempt: number) => unknown>> = {
  Echo: (args) => args,
  Fails: (_, attempt) => {
    throw new RangeError(`attempt ${attempt}`);
  },
  Second: (_, attempt) => {
    if (attempt === 1) throw new Error("not yet");
    return "done";
  },
};

interface Held {
  /** The life of the shard that waits for it: no other may settle its promise. */
  readonly life: object;
  end(value: unknown): void;
  isStopped: boolean;
}
/** Attempts of the deployment `Holds`, by delivery; they end when a test says so. */
const held = new Map<string, Held>();
const begun: string[] = [];
let deliveries = 0;
let options: TasksConfig = DEFAULT_TASKS;
let failuresLeft = 0;

const senderOf = (life: object): AttemptSender => ({
  async send(request: AttemptRequest, events: AttemptEvents, cancellation: Cancellation): Promise<AttemptOutcome> {
    const delivery = `d${deliveries++}`;
    const permit = events.sending({ replica: `app/${request.deployment}/-/0.0`, delivery });
    if (permit === undefined) return { kind: "not-begun" };
    begun.push(request.taskId);
    if (request.deployment === "Holds") {
      const value = await new Promise<unknown>((resolve) => {
        const attempt = { life, end: resolve, isStopped: false };
        held.set(delivery, attempt);
        cancellation.listen(() => (attempt.isStopped = true));
      });
      held.delete(delivery);
      return { kind: "value", value };
    }
    try {
      return { kind: "value", value: METHODS[request.deployment]!(decodeArguments(request.arguments), permit.attempt) };
    } catch (error) {
      return { kind: "error", error: encodeError(error) };
    }
  },
  async rejoin(_, { delivery }): Promise<Rejoined> {
    return held.has(delivery) ? new Promise(() => {}) : { kind: "not-running" };
  },
  async stop(_, { delivery }): Promise<void> {
    const attempt = held.get(delivery);
    if (attempt !== undefined) attempt.isStopped = true;
  },
});

/** The newest life of each shard. */
const lives = new Map<string, object>();

function make(shell: TaskShardShell): TaskShard {
  if (failuresLeft-- > 0) throw new Error("storage cannot be read");
  lives.set(shell.app, shell);
  return new TaskShard({ ...shell, sender: senderOf(shell), options: () => options, warn: () => {}, now: Date.now, random: Math.random });
}

export class ScriptedTasks extends taskShardClass(make) {
  /** RPC. Runs a behaviour of stores on an empty one. */
  async show(behaviour: string): Promise<void> {
    STORE_BEHAVIOURS.find(([name]) => name === behaviour)![1](new SqliteTaskStore(this.ctx.storage));
  }

  /** RPC. Whether a transaction that fails leaves nothing. */
  async failHalfWay(): Promise<unknown> {
    const store = new SqliteTaskStore(this.ctx.storage);
    try {
      store.transaction(() => {
        store.put(waitingRow("a"));
        store.setPayload("a", "arguments", "[]");
        throw new Error("half-way");
      });
    } catch (error) {
      return [(error as Error).message, store.get("a"), store.payload("a", "arguments"), store.counts()];
    }
    return undefined;
  }

  /** RPC. Fills the store, and says how many rows each question reads. */
  async rowsRead(count: number): Promise<Record<string, number>> {
    let read = 0;
    const { storage } = this.ctx;
    const database: SqlDatabase = {
      sql: {
        exec(query, ...bindings) {
          const cursor = storage.sql.exec(query, ...bindings);
          return {
            toArray() {
              const rows = cursor.toArray();
              read += cursor.rowsRead;
              return rows;
            },
          };
        },
      },
      transactionSync: (act) => storage.transactionSync(act),
    };
    const store = new SqliteTaskStore(database);
    const later = Date.now() + 3_600_000;
    store.transaction(() => {
      for (let n = 0; n < count; n++)
        store.put(waitingRow(`app.0.${String(n).padStart(22, "0")}`, { dueAt: later + n, identity: `i${n}` }));
    });
    const reads: Record<string, number> = {};
    const measured = (name: string, ask: () => unknown) => {
      read = 0;
      ask();
      reads[name] = read;
    };
    measured("ready", () => store.ready("Mail", 1, []));
    measured("deployments", () => store.deployments("PENDING"));
    measured("busy", () => store.busy());
    measured("nextExpiry", () => store.nextExpiry());
    measured("expired", () => store.expired(later, 100));
    measured("byIdentity", () => store.byIdentity("i7"));
    measured("get", () => store.get("app.0.0000000000000000000007"));
    measured("counts", () => store.counts());
    measured("list", () => store.list({ limit: 10, nowMs: 0 }));
    measured("list of a deployment", () => store.list({ deployment: "Mail", limit: 10, nowMs: 0 }));
    measured("list of a state", () => store.list({ state: "PENDING", limit: 10, nowMs: 0 }));
    measured("list of none", () => store.list({ state: "FAILED", limit: 10, nowMs: 0 }));
    return reads;
  }

  /** RPC. Ends every attempt that is held; nobody hears of those of an earlier life. */
  async end(value: unknown): Promise<void> {
    const life = lives.get(this.ctx.id.name!.split("/")[1]!);
    for (const attempt of held.values()) if (attempt.life === life) attempt.end(value);
    held.clear();
  }

  /** RPC. Whether the attempts that are held have been stopped. */
  async stopped(): Promise<boolean[]> {
    return [...held.values()].map(({ isStopped }) => isStopped);
  }

  /** RPC. How often attempts of a task have begun. */
  async begun(id: string): Promise<number> {
    return begun.filter((each) => each === id).length;
  }

  /** RPC. What holds from now on, for every shard. */
  async use(changed: Partial<TasksConfig>): Promise<void> {
    options = { ...DEFAULT_TASKS, ...changed };
  }

  /** RPC. The object cannot be made, so many times. */
  async fail(times: number): Promise<void> {
    failuresLeft = times;
  }
}
