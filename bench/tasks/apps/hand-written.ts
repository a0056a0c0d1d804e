/**
 * Tasks by hand: an object that inserts a row and sets its alarm, called by another object.
 *
 * The alarm is set where there is none that is as early, as somebody would who has read what setting one costs.
 */
import { DurableObject, exports as workerExports } from "cloudflare:workers";

const HOUR_MS = 3_600_000;

export class Queue extends DurableObject {
  #wakesAt = Infinity;

  constructor(state: DurableObjectState, env: Cloudflare.Env) {
    super(state, env);
    state.storage.sql.exec("CREATE TABLE IF NOT EXISTS tasks (id TEXT PRIMARY KEY, due INTEGER NOT NULL, args TEXT NOT NULL)");
    state.storage.sql.exec("CREATE INDEX IF NOT EXISTS tasks_due ON tasks (due)");
  }

  add(args: readonly unknown[], delayMs: number): string {
    const id = crypto.randomUUID();
    const due = Date.now() + delayMs;
    this.ctx.storage.sql.exec("INSERT INTO tasks VALUES (?, ?, ?)", id, due, JSON.stringify(args));
    if (due < this.#wakesAt) void this.ctx.storage.setAlarm((this.#wakesAt = due));
    return id;
  }

  // Nothing is due while this is measured.
  override alarm(): void {}
}

interface Namespaces {
  readonly Queue: DurableObjectNamespace<Queue>;
  readonly Api: DurableObjectNamespace<Api>;
}
const namespaces = () => workerExports as unknown as Namespaces;

export class Api extends DurableObject {
  override async fetch(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const count = Number(searchParams.get("count"));
    // One object, unless it is asked for more: then one of them by chance, as edge-serve does.
    const objects = Number(searchParams.get("objects") ?? 1);
    const add = () =>
      namespaces()
        .Queue.getByName(`tasks ${Math.floor(Math.random() * objects)}`)
        .add([], HOUR_MS);
    if (pathname === "/enqueue") for (let n = 0; n < count; n++) await add();
    else await Promise.all(Array.from({ length: count }, add));
    return new Response("ok");
  }
}

export default {
  fetch: (request: Request) => namespaces().Api.getByName("api").fetch(request),
};
