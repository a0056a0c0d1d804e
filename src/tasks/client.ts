/**
 * The tasks of all applications, for whoever enqueues, asks, cancels and lists: knows which shard has what.
 *
 * Owns: ids, the division into shards, sending again, waiting for outcomes, pages of lists. Does not own: what a task may be
 * enqueued for (`enqueue` without the option `tasks` is refused before, and the rest is a port), and the stubs, which are a port.
 */
import { ReplicaUnavailableError, TaskNotFoundError } from "../protocol/errors.ts";
import { own } from "../protocol/own.ts";
import { resultOf } from "../protocol/task-result.ts";
import { classifyFailure } from "../protocol/platform-failures.ts";
import {
  MAX_LISTED,
  type ResultWait,
  type TaskCall,
  type TaskCounters,
  type TaskOutcome,
  type TaskPage,
  type TaskPort,
  type TaskQuery,
  type TaskShardRpc,
  type TaskStatus,
} from "../protocol/tasks.ts";
import { encodeArguments } from "./payload.ts";
import type { Jurisdiction } from "../protocol/manifest.ts";
import { identityOf, newTaskId, parseTaskId, placeOfShard, shardFor, shardsIn, type TaskAddress } from "./task-id.ts";
import { compareTexts } from "./task.ts";

/** What the client is given. */
export interface TaskClientPorts {
  /** A stub, of the moment; `undefined` where there are no tasks of that application. */
  shard(address: TaskAddress): TaskShardRpc | undefined;
  /**
   * The jurisdiction of each deployment of an application, by name; `undefined` for one that has none.
   *
   * Missing where nothing is in any.
   */
  jurisdictions?(app: string): Readonly<Record<string, Jurisdiction | undefined>>;
  /** @throws what is wrong with a call, as far as that is known before it is stored. */
  check?(call: TaskCall): void;
  now(): number;
  random(): number;
  sleep(ms: number): Promise<void>;
}

/** How often an object that was lost is asked again: all that is asked of it can be asked twice. */
const TRIES = 5;
const PAUSE_MS = 50;

export class TaskClient implements TaskPort {
  readonly #ports: TaskClientPorts;

  constructor(ports: TaskClientPorts) {
    this.#ports = ports;
  }

  /**
   * Stores a task, and resolves with its id once it is durable.
   *
   * @throws SerializationError if an argument cannot be kept; what `check` throws.
   * @throws ReplicaUnavailableError if the object that would keep it does not answer: it may have been stored.
   */
  async enqueue(call: TaskCall): Promise<string> {
    this.#ports.check?.(call);
    const { app, args, idempotencyKey, ...rest } = call;
    const { deployment, method, key } = rest;
    const text = await encodeArguments(args, `${deployment}.${method ?? "call"}`);
    const identity = idempotencyKey === undefined ? undefined : identityOf({ deployment, method, key, idempotencyKey });
    const address = { app, shard: shardFor(identity, this.#ports.random, own(this.#jurisdictions(app), deployment)) };
    const request = {
      ...rest,
      id: newTaskId(address, this.#ports.now(), this.#ports.random),
      arguments: text,
      ...(identity === undefined ? {} : { identity }),
    };
    const id = await this.#ask(address, (shard) => shard.enqueue(request));
    if (id === undefined) throw new TaskNotFoundError(`There are no tasks of application ${JSON.stringify(app)}.`);
    return id;
  }

  /** @throws TaskNotFoundError if there is no such task. */
  async status(id: string): Promise<TaskStatus> {
    return this.#about(id, (shard) => shard.status(id));
  }

  /**
   * What the task has returned, as soon as it has.
   *
   * @throws The method's own error after the last attempt; RequestCancelledError; RequestTimeoutError after `timeoutMs`, and the
   * task goes on; TaskNotFoundError.
   */
  async result(id: string, wait: ResultWait = {}): Promise<unknown> {
    return resultOf(
      id,
      (waitMs) => this.outcome(id, waitMs),
      wait,
      () => this.#ports.now(),
    );
  }

  /** Waits at most so long, in milliseconds, for what becomes of a task. @throws TaskNotFoundError */
  async outcome(id: string, waitMs: number): Promise<TaskOutcome> {
    return this.#about(id, (shard) => shard.outcome(id, waitMs));
  }

  /** `true` if it was waiting or running. @throws TaskNotFoundError */
  async cancel(id: string): Promise<boolean> {
    return this.#about(id, (shard) => shard.cancel(id));
  }

  /** `true` if it was `FAILED` or `CANCELLED`, and now begins again. @throws TaskNotFoundError */
  async retry(id: string): Promise<boolean> {
    return this.#about(id, (shard) => shard.retry(id));
  }

  /**
   * The tasks of these applications, newest first.
   *
   * @param cursor Of the page before.
   * @throws TaskNotFoundError if the cursor is none.
   */
  async list(apps: readonly string[], query: Omit<TaskQuery, "before">, cursor?: string): Promise<TaskPage> {
    const from = cursor === undefined ? undefined : parseTaskId(cursor);
    if (cursor !== undefined && from === undefined) throw new TaskNotFoundError(`${JSON.stringify(cursor.slice(0, 200))} is not a cursor.`);
    const limit = Math.min(query.limit, MAX_LISTED);
    const pages = await Promise.all(
      this.#shardsOf(apps).map(async (address) => {
        const source = sourceOf(address);
        // Of those that were made at once, the ones of earlier sources come later.
        const before = from === undefined ? {} : { before: `${source}.${from.unique}${source < sourceOf(from) ? "~" : ""}` };
        return (await this.#ask(address, (shard) => shard.list({ ...query, limit, ...before }))) ?? [];
      }),
    );
    const tasks = pages.flat().toSorted((a, b) => compareTexts(orderOf(b.id), orderOf(a.id)));
    const isWhole = tasks.length <= limit && pages.every((page) => page.length < limit);
    const shown = tasks.slice(0, limit);
    return isWhole || shown.length === 0 ? { tasks: shown } : { tasks: shown, cursor: shown.at(-1)!.id };
  }

  /** What has been counted of an application's tasks, a part for each shard. */
  async counters(app: string): Promise<readonly TaskCounters[]> {
    const parts = await Promise.all(this.#shardsOf([app]).map((address) => this.#ask(address, (shard) => shard.counters())));
    return parts.filter((part) => part !== undefined);
  }

  /** Cancels all tasks of an application that wait: it is deleted. */
  async cancelWaiting(app: string): Promise<void> {
    await Promise.all(this.#shardsOf([app]).map((address) => this.#ask(address, (shard) => shard.cancelWaiting())));
  }

  #jurisdictions(app: string): Readonly<Record<string, Jurisdiction | undefined>> {
    return this.#ports.jurisdictions?.(app) ?? {};
  }

  // Only where its deployments have been put: an object that is asked is made.
  #shardsOf(apps: readonly string[]): TaskAddress[] {
    return apps.flatMap((app) => {
      const places = new Set(Object.values(this.#jurisdictions(app)));
      return [...(places.size === 0 ? [undefined] : places)].flatMap((place) => shardsIn(place).map((shard) => ({ app, shard })));
    });
  }

  async #about<T>(id: string, ask: (shard: TaskShardRpc) => Promise<T | undefined>): Promise<T> {
    const address = parseTaskId(id);
    const answer = address === undefined || placeOfShard(address.shard) === undefined ? undefined : await this.#ask(address, ask);
    if (answer === undefined)
      throw new TaskNotFoundError(`There is no task ${JSON.stringify(id.slice(0, 200))}. It may have been forgotten.`);
    return answer;
  }

  async #ask<T>(address: TaskAddress, ask: (shard: TaskShardRpc) => Promise<T>): Promise<T | undefined> {
    for (let tries = 1; ; tries++) {
      // A stub that has failed once fails again.
      const shard = this.#ports.shard(address);
      if (shard === undefined) return undefined;
      try {
        return await ask(shard);
      } catch (error) {
        if (tries === TRIES || classifyFailure(error) === "unsendable") {
          const words = `The tasks of application ${JSON.stringify(address.app)} (shard ${address.shard}) do not answer.`;
          throw new ReplicaUnavailableError(words, { cause: error, hasBegun: true });
        }
        await this.#ports.sleep(PAUSE_MS * 2 ** (tries - 1) * (0.5 + this.#ports.random()));
      }
    }
  }
}

function sourceOf({ app, shard }: TaskAddress): string {
  return `${app}.${shard}`;
}

// By the time of creation, then by source.
function orderOf(id: string): string {
  const at = id.lastIndexOf(".");
  return `${id.slice(at + 1)} ${id.slice(0, at)}`;
}
