/**
 * Values and thrown values that really cross: made here, sent to another replica, and compared with what arrives.
 *
 * Both sides make the value of the same number, so nothing but its number travels to the other side.
 */
import * as serve from "../../../src/index.ts";
import { Choices } from "../choices.ts";
import { isA, makeThrown, type Thrown } from "../errors.ts";
import { arrivesAs } from "../kinds/arrives-as.ts";
import { brief, holds } from "../kind.ts";
import { difference } from "../same.ts";
import { type Made, makeValue } from "../values.ts";

/** The ways that a value goes. */
export const VALUE_WAYS = ["argument", "result", "item", "broadcast", "batched"] as const;
export const ERROR_WAYS = ["call", "stream", "broadcast", "batched", "twice"] as const;

const valueOf = (seed: number, index: number): Made => makeValue(Choices.seeded(seed, "value", index));
const thrownOf = (seed: number, index: number): Thrown => makeThrown(Choices.seeded(seed, "thrown", index));

/** Sends, returns and throws what is asked for. */
export class Echo {
  readonly #batch = serve.batch(async (items: readonly (readonly [kind: "value" | "thrown", seed: number, index: number])[]) =>
    items.map(([kind, seed, index]) => (kind === "value" ? valueOf(seed, index).value : asError(thrownOf(seed, index).value))),
  );

  echo(value: unknown): unknown {
    return value;
  }

  give(seed: number, index: number): unknown {
    return valueOf(seed, index).value;
  }

  *items(seed: number, index: number): Generator<unknown> {
    yield valueOf(seed, index).value;
  }

  batched(kind: "value" | "thrown", seed: number, index: number): Promise<unknown> {
    return this.#batch([kind, seed, index]);
  }

  fail(seed: number, index: number): never {
    throw thrownOf(seed, index).value;
  }

  *failing(seed: number, index: number): Generator<number> {
    yield 1;
    throw thrownOf(seed, index).value;
  }
}

// In a batch's results only an Error rejects.
function isThenable(value: unknown): boolean {
  try {
    return typeof (value as { readonly then?: unknown } | null | undefined)?.then === "function";
  } catch {
    return false;
  }
}

function asError(value: unknown): unknown {
  return isA(value, Error) ? value : new Error("no error");
}

/** What was wrong with one input. */
export interface CrossingFailure {
  readonly index: number;
  readonly way: string;
  readonly claim: string;
  readonly tookMs: number;
}

/** Runs a range of inputs: `/value?seed=1&from=0&to=20`, `/thrown?...`. */
export class Crossing {
  readonly #echo: serve.DeploymentHandle<Echo>;

  constructor(echo: serve.DeploymentHandle<Echo>) {
    this.#echo = echo;
  }

  /** Throws what another replica threw: two hops. */
  async failTwice(seed: number, index: number): Promise<void> {
    await this.#echo.fail.remote(seed, index);
  }

  async fetch(request: Request): Promise<unknown> {
    const { pathname, searchParams } = new URL(request.url);
    const [seed, from, to] = ["seed", "from", "to"].map((name) => Number(searchParams.get(name))) as [number, number, number];
    const failures: CrossingFailure[] = [];
    for (let index = from; index < to; index++) {
      const ways: readonly string[] = pathname === "/value" ? VALUE_WAYS : ERROR_WAYS;
      const way = ways[index % ways.length]!;
      const startedAtMs = Date.now();
      try {
        await (pathname === "/value" ? this.#value(way, seed, index) : this.#thrown(way, seed, index));
      } catch (error) {
        failures.push({ index, way, claim: brief(error), tookMs: Date.now() - startedAtMs });
      }
    }
    return failures;
  }

  async #value(way: string, seed: number, index: number): Promise<void> {
    const { value, traits } = valueOf(seed, index);
    // What a method returns is awaited: what has a `then` that can be called gives whatever that gives.
    if (way !== "argument" && (isA(value, Promise) || isThenable(value))) return;
    // In a batch's results an Error rejects its caller.
    if (way === "batched" && isA(value, Error)) return;
    const isClean = !traits.foreign && !traits.proxy && !traits.hostile;
    const arrived = await this.#arrived(way, seed, index, value).then(
      (result) => ({ result }),
      (error: unknown) => ({ error }),
    );
    if ("error" in arrived) {
      const { error } = arrived;
      const isRefusal = error instanceof serve.SerializationError || (traits.hostile && !(error instanceof serve.ServeError));
      holds(isRefusal, "a value that can't cross is a SerializationError", () => error);
      holds(!isClean || traits.deep || traits.large, "a value that structured clone carries crosses", () => error);
      return;
    }
    holds(!traits.foreign || traits.proxy, "a value that can't cross is refused");
    if (!isClean) return;
    const differs = difference(structuredClone(value), arrived.result);
    holds(differs === undefined, "a value arrives as structured clone gives it", () => differs);
  }

  async #arrived(way: string, seed: number, index: number, value: unknown): Promise<unknown> {
    if (way === "argument") return this.#echo.echo.remote(value);
    if (way === "result") return this.#echo.give.remote(seed, index);
    if (way === "batched") return this.#echo.batched.remote("value", seed, index);
    if (way === "broadcast") return settledOf(await this.#echo.give.broadcast(seed, index));
    const items: unknown[] = [];
    for await (const item of this.#echo.items.remote(seed, index)) items.push(item);
    return items[0];
  }

  async #thrown(way: string, seed: number, index: number): Promise<void> {
    const thrown = thrownOf(seed, index);
    const arrived = await this.#failed(way, seed, index).then(
      (result) => ({ result }),
      (error: unknown) => ({ error }),
    );
    holds("error" in arrived, "what is thrown arrives", () => (arrived as { result: unknown }).result);
    const { error } = arrived;
    const isOwn = thrown.code === undefined && error instanceof serve.ServeError && !(error instanceof serve.SerializationError);
    holds(!isOwn, "an application's error is not reported as the framework's", () => error);
    if (way !== "batched" || isA(thrown.value, Error)) arrivesAs(error, thrown);
  }

  async #failed(way: string, seed: number, index: number): Promise<unknown> {
    if (way === "call") return this.#echo.fail.remote(seed, index);
    if (way === "batched") return this.#echo.batched.remote("thrown", seed, index);
    if (way === "broadcast") return settledOf(await this.#echo.fail.broadcast(seed, index));
    if (way === "twice") return serve.getAppHandle<Crossing>("crossing").failTwice.remote(seed, index);
    for await (const _ of this.#echo.failing.remote(seed, index));
    return undefined;
  }
}

function settledOf(settled: readonly PromiseSettledResult<unknown>[]): unknown {
  const [first] = settled;
  if (first?.status === "rejected") throw first.reason;
  return first?.value;
}
