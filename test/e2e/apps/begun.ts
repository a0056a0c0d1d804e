/** Replicas that die at every moment of a request, and that keep in their own storage what began. */
import * as serve from "edge-serve";

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** When a request's replica dies: before it writes, once its row is durable, or while its row may be pending. */
export type Death = "none" | "at once" | "after a durable row" | "after a pending row";

export class Work {
  readonly #state = serve.getReplicaContext().state;
  readonly #sql = this.#state.storage.sql;

  constructor() {
    this.#sql.exec("CREATE TABLE IF NOT EXISTS runs (id TEXT)");
  }

  async run(id: string, death: Death, ms = 0): Promise<string> {
    if (death === "at once") this.#state.abort("died");
    this.#sql.exec("INSERT INTO runs VALUES (?)", id);
    if (ms > 0) await sleep(ms);
    if (death === "after a durable row") await this.#state.storage.sync();
    if (death !== "none") this.#state.abort("died");
    return id;
  }

  async *stream(id: string, count: number): AsyncGenerator<number> {
    this.#sql.exec("INSERT INTO runs VALUES (?)", id);
    for (let n = 0; n < count; n++) yield n;
    await this.#state.storage.sync();
    // Once those have been asked for.
    await sleep(50);
    this.#state.abort("died");
  }

  fetch(request: Request): Promise<string> {
    const { searchParams } = new URL(request.url);
    return this.run(searchParams.get("id")!, searchParams.get("death") as Death, Number(searchParams.get("ms") ?? 0));
  }

  bytes(): ReadableStream<Uint8Array> {
    const state = this.#state;
    let sent = 0;
    return new ReadableStream({
      async pull(controller) {
        if (sent++ < 2) return controller.enqueue(new TextEncoder().encode("x"));
        await sleep(50);
        state.abort("died");
      },
    });
  }

  response(): Response {
    return new Response(this.bytes());
  }

  runsOf(id: string): number {
    return this.#sql.exec<{ n: number }>("SELECT count(*) AS n FROM runs WHERE id = ?", id).one().n;
  }

  die(): void {
    this.#state.abort("died");
  }
}

/** What became of one call. */
export interface Outcome {
  readonly id: string;
  readonly result: string;
  readonly code: string | undefined;
  readonly status: number | undefined;
}

/** Calls, and watches. */
export class Front {
  constructor(private work: serve.DeploymentHandle<Work>) {}

  async call(id: string, death: Death, ms = 0): Promise<Outcome> {
    try {
      return { id, result: await this.work.run.remote(id, death, ms), code: undefined, status: undefined };
    } catch (error) {
      const { message, code, status } = error as serve.ServeError;
      return { id, result: message, code, status };
    }
  }

  /** Several calls at once: with one slot, all but the first of them wait. */
  together(calls: readonly (readonly [id: string, death: Death, ms: number])[]): Promise<Outcome[]> {
    return Promise.all(calls.map((call) => this.call(...call)));
  }

  /** How often a request began, by the rows of all replicas. */
  async runsOf(id: string): Promise<number> {
    const counts = await this.work.runsOf.broadcast(id);
    return counts.reduce((sum, count) => sum + (count.status === "fulfilled" ? count.value : 0), 0);
  }

  async items(id: string, count: number): Promise<{ items: number[]; code: string | undefined }> {
    const items: number[] = [];
    try {
      for await (const item of this.work.stream.remote(id, count)) items.push(item);
      return { items, code: undefined };
    } catch (error) {
      return { items, code: (error as serve.ServeError).code };
    }
  }

  async bodies(): Promise<(string | undefined)[]> {
    const codeOf = (reading: Promise<unknown>) => reading.then(() => "none").catch((error: serve.ServeError) => error.code);
    const stream = async () => {
      const body = await this.work.bytes.remote();
      for await (const _ of body as unknown as AsyncIterable<unknown>);
    };
    const response = async () => (await this.work.response.remote()).text();
    return [await codeOf(stream()), await codeOf(response())];
  }

  async die(): Promise<void> {
    await this.work.die.broadcast();
  }

  /** Waits for a slot and dies, so that nobody comes for the slot. */
  async waitAndDie(): Promise<void> {
    void this.work.run.remote("abandoned", "none");
    await sleep(100);
    serve.getReplicaContext().state.abort("the caller died");
  }
}

const front = (options: serve.DeploymentOptions) =>
  serve.deployment(Front, { maxOngoingRequests: 100 }).bind(serve.deployment(Work, { logging: { accessLog: false }, ...options }).bind());

export const single = front({ maxOngoingRequests: 1 });
export const waiting = front({ maxOngoingRequests: 1 });
export const pair = front({ maxOngoingRequests: 1, numReplicas: 2 });
export const http = serve.deployment(Work, { maxOngoingRequests: 1 }).bind();
