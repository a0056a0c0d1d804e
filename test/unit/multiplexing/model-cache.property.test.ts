import fc from "fast-check";
import { expect, it } from "vitest";
import type { RequestScope } from "../../../src/context/scope.ts";
import { after } from "../../../src/context/with-timeout.ts";
import { ModelCache } from "../../../src/multiplexing/model-cache.ts";
import { turnOfTheEventLoop } from "../../support/event-loop.ts";
import { replicaScope } from "../../support/scope.ts";
import { newRequest } from "./models.ts";

interface Action {
  readonly kind: "get" | "prefetch" | "end" | "abort" | "load";
  readonly request: number;
  readonly id: string;
  readonly fails: boolean;
}

const action: fc.Arbitrary<Action> = fc.record({
  kind: fc.constantFrom("get", "get", "get", "prefetch", "end", "end", "abort", "load", "load"),
  request: fc.nat(5),
  id: fc.constantFrom("a", "b", "c", "d", "e"),
  fails: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
});

it("never lets go what is in use, loads nothing twice, and leaves nobody waiting for ever", { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 60 }), fc.integer({ min: 1, max: 3 }), async (actions, maxModels) => {
      const run = new Run(maxModels);
      for (const step of actions) {
        run.take(step);
        await turnOfTheEventLoop();
      }
      await run.finish();
    }),
    { numRuns: 300 },
  );
});

/** A cache under arbitrary use, checked at each step. */
class Run {
  readonly #maxModels: number;
  readonly #cache: ModelCache<string>;
  readonly #loading = new Map<string, PromiseWithResolvers<void>>();
  readonly #live = new Set<string>();
  readonly #users = new Map<string, Set<RequestScope>>();
  readonly #requests = new Map<number, RequestScope>();
  // Calls that have not been answered: a request cannot end before they are, unless it is aborted.
  readonly #open = new Map<RequestScope, number>();
  readonly #violations: string[] = [];

  constructor(maxModels: number) {
    this.#maxModels = maxModels;
    this.#cache = new ModelCache<string>({
      replica: replicaScope(),
      maxModels,
      maxBytes: Infinity,
      sizeOf: undefined,
      after,
      disposeTimeoutMs: () => 30_000,
      now: () => 0,
      load: (id) => this.#load(id) as Promise<never>,
    });
  }

  take({ kind, request: number, id, fails }: Action): void {
    const request = this.#request(number);
    if (kind === "get") this.#get(id, request);
    else if (kind === "prefetch") void this.#cache.prefetch(id, request);
    else if (kind === "load") this.#finishLoad(id, fails);
    else if (kind === "end") this.#end(number);
    else request.abort(new Error("cancelled"));
  }

  /** Ends loads, and requests whose calls were answered, until there are none. */
  async finish(): Promise<void> {
    for (let round = 0; round < 200 && (this.#requests.size > 0 || this.#loading.size > 0); round++) {
      for (const number of this.#requests.keys()) this.#end(number);
      for (const id of this.#loading.keys()) this.#finishLoad(id, false);
      await turnOfTheEventLoop();
    }
    expect([this.#violations, this.#requests.size, this.#loading.size]).toEqual([[], 0, 0]);
    expect(this.#cache.loaded.length).toBeLessThanOrEqual(this.#maxModels);
    expect(new Set(this.#cache.loaded)).toEqual(this.#live);
  }

  #request(number: number): RequestScope {
    let request = this.#requests.get(number);
    if (request === undefined) this.#requests.set(number, (request = newRequest()));
    return request;
  }

  #get(id: string, request: RequestScope): void {
    this.#open.set(request, (this.#open.get(request) ?? 0) + 1);
    this.#cache
      .get(id, request)
      .then(() => {
        if (!this.#users.has(id)) this.#users.set(id, new Set());
        this.#users.get(id)!.add(request);
        request.onEnd(() => this.#users.get(id)!.delete(request));
      })
      .catch(() => {})
      .finally(() => this.#open.set(request, this.#open.get(request)! - 1));
  }

  #end(number: number): void {
    const request = this.#requests.get(number);
    if (request === undefined || (this.#open.get(request) ?? 0) > 0) return;
    request.end();
    this.#requests.delete(number);
  }

  async #load(id: string): Promise<object> {
    if (this.#live.has(id) || this.#loading.has(id)) this.#violations.push(`${id} is loaded twice`);
    const gate = Promise.withResolvers<void>();
    this.#loading.set(id, gate);
    await gate.promise;
    this.#live.add(id);
    return {
      [Symbol.dispose]: () => {
        if (!this.#live.delete(id)) this.#violations.push(`${id} is disposed of twice`);
        if ((this.#users.get(id)?.size ?? 0) > 0) this.#violations.push(`${id} goes while it is in use`);
      },
    };
  }

  #finishLoad(id: string, fails: boolean): void {
    const gate = this.#loading.get(id);
    this.#loading.delete(id);
    if (fails) gate?.reject(new Error("no weights"));
    else gate?.resolve();
  }
}
