/** Prefixes that several applications share, as several isolates serve them at once: contract section 12, in workerd. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RouteStatus } from "../../src/protocol/traffic.ts";
import { Isolates } from "../support/isolates.ts";
import { AUTHORIZED } from "../support/operated.ts";
import { documentOf, split, TRAFFIC_TARGET } from "../support/traffic-document.ts";

const COUNT = 3;
const ALL = Array.from({ length: COUNT }, (_, isolate) => isolate);

let isolates: Isolates;

beforeAll(async () => {
  isolates = await Isolates.start(TRAFFIC_TARGET, COUNT);
});
afterAll(() => isolates?.[Symbol.dispose]());

/** Puts a document in force, by way of one isolate: the others have to hear of it. */
async function put(isolate: number, ...args: Parameters<typeof documentOf>): Promise<void> {
  const init = { method: "PUT", headers: AUTHORIZED, body: JSON.stringify(documentOf(...args)) };
  const response = await isolates.fetch(isolate, "/-/api/applications", init);
  expect([response.status, await response.text()]).toEqual([200, expect.anything()]);
}

async function routeAt(prefix: string): Promise<RouteStatus> {
  const response = await isolates.fetch(0, "/-/api/applications", { headers: AUTHORIZED });
  return ((await response.json()) as { routes: Record<string, RouteStatus> }).routes[prefix]!;
}

/** What a client has been told. */
interface Told {
  readonly isolate: number;
  readonly atMs: number;
  readonly status: number;
  readonly body: string;
}

/** Clients of all isolates, each with one request after the other, until it is left. */
class Load implements AsyncDisposable {
  readonly told: Told[] = [];
  path: string;
  #isOver = false;
  readonly #init: RequestInit;
  readonly #running: Promise<unknown>;

  constructor(path: string, { clients = 3, ...init }: RequestInit & { readonly clients?: number } = {}) {
    this.path = path;
    this.#init = init;
    this.#running = Promise.all(ALL.flatMap((isolate) => Array.from({ length: clients }, () => this.#run(isolate))));
  }

  async #run(isolate: number): Promise<void> {
    while (!this.#isOver) {
      const response = await isolates.fetch(isolate, this.path, this.#init);
      const body = await response.text();
      this.told.push({ isolate, atMs: performance.now(), status: response.status, body });
      await new Promise((next) => setTimeout(next, 5));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await this.#running;
  }
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((next) => setTimeout(next, 100));
}

const isGood = ({ status }: Told): boolean => status === 200;

describe("several isolates", () => {
  it("give a good answer to every request while a split is changed 50 times, also to plain prefixes and back", async () => {
    await put(0, [{ prefix: "/rank", split: split({ v1: 100 }) }]);
    const load = new Load("/rank/x", { method: "POST", body: "x" });
    {
      await using _ = load;
      for (let change = 0; change < 50; change++) {
        const percent = (change * 7) % 101;
        const by = change % COUNT;
        if (change % 5 === 4) await put(by, [], { v1: "/rank", v2: undefined });
        else if (change % 5 === 3)
          await put(by, [{ prefix: "/rank", split: split({ v1: percent, v3: 100 - percent }) }], { v2: undefined });
        else await put(by, [{ prefix: "/rank", split: split({ v1: percent, v2: 100 - percent }) }]);
      }
    }
    expect(new Set(load.told.map(({ isolate }) => isolate)).size).toBe(COUNT);
    // What `root` answers is what a path without a route would get.
    expect(load.told.filter((told) => !isGood(told) || told.body.includes('"app":"root"'))).toEqual([]);
  });

  it("follow a change of shares within 5 s", async () => {
    await put(0, [{ prefix: "/rank", split: split({ v1: 100, v2: 0 }) }]);
    await using load = new Load("/rank/x");
    const isAtOld = (isolate: number) => load.told.findLast((told) => told.isolate === isolate)?.body.includes('"app":"v1"') === true;
    await until(() => ALL.every(isAtOld));
    const changedAtMs = performance.now();
    await put(1, [{ prefix: "/rank", split: split({ v1: 0, v2: 100 }) }]);
    const lastOfOld = (isolate: number) => load.told.findLastIndex((told) => told.isolate === isolate && told.body.includes('"app":"v1"'));
    const hasFollowed = (isolate: number) =>
      load.told.slice(lastOfOld(isolate) + 1).filter((told) => told.isolate === isolate).length > 100;
    await until(() => ALL.every(hasFollowed));
    for (const isolate of ALL) expect(load.told[lastOfOld(isolate)]!.atMs - changedAtMs).toBeLessThan(5000);
  });
});

const STEP_S = 5;
const BAD_PERCENT = 25;

describe("a canary that several isolates serve", () => {
  /** Candidates, the steps before the one in which they go bad, and what clients are told then. */
  const rows: [kind: string, candidate: string, before: number[], statuses: number[]][] = [
    ["begins to answer with errors", "errs", [10], [500]],
    ["begins to die, and its constructor throws from then on", "dies", [10], [502, 503]],
    ["begins to answer with errors, and has an object for each key", "carts", [10], [500]],
    ["never starts, so that it reports nothing", "broken", [], [503]],
  ];
  const prefixOf = (candidate: string) => `/canary-${candidate}`;

  beforeAll(async () => {
    const limits = { stable: "v1", step_interval_s: STEP_S, min_requests: 20, max_p95_ratio: 1000 };
    const canaries = rows.map(([, candidate, before]) => ({
      prefix: prefixOf(candidate),
      canary: { ...limits, candidate, steps: [...before, BAD_PERCENT, 100] },
    }));
    await put(0, canaries);
  });

  // At the same time: each takes as long as its steps.
  it.concurrent.each(rows)("goes back everywhere, in time, when its candidate %s", async (_, candidate, before, statuses) => {
    const prefix = prefixOf(candidate);
    await using load = new Load(`${prefix}/x`);
    const startedAtMs = performance.now();
    if (before.length > 0) await until(async () => (await routeAt(prefix)).percent === BAD_PERCENT);
    expect(before.length > 0 ? load.told.filter((told) => !isGood(told)) : []).toEqual([]);
    const turnedAtMs = before.length > 0 ? performance.now() : startedAtMs;
    load.path = `${prefix}/turn`;
    await until(async () => (await routeAt(prefix)).state !== "PROGRESSING");
    expect(await routeAt(prefix)).toMatchObject({ state: "ROLLED_BACK", percent: 0, split: { v1: 100, [candidate]: 0 } });
    const lastBad = (isolate: number) => load.told.findLastIndex((told) => told.isolate === isolate && !isGood(told));
    // So many good ones in a row would be a miracle if the candidate still had its share.
    const isBack = (isolate: number) => load.told.slice(lastBad(isolate) + 1).filter((told) => told.isolate === isolate).length > 100;
    await until(() => ALL.every(isBack));
    const backAtMs = ALL.map((isolate) => load.told[lastBad(isolate)]!.atMs);
    for (const atMs of backAtMs) expect(atMs - turnedAtMs).toBeLessThan((STEP_S + 10) * 1000);
    expect(new Set(load.told.map(({ status }) => status)).difference(new Set([200, ...statuses]))).toEqual(new Set());
    const during = load.told.filter(({ atMs }) => atMs >= turnedAtMs && atMs <= Math.max(...backAtMs));
    const share = during.filter((told) => !isGood(told)).length / during.length;
    // Five standard deviations.
    expect(share).toBeLessThan(BAD_PERCENT / 100 + 5 * Math.sqrt((0.25 * 0.75) / during.length));
  });
});

describe("a shadow", () => {
  it.each(["hangs", "throws", "streams", "reads"])(
    "that %s changes neither status nor body nor time for the client",
    async (application) => {
      const alone = { prefix: "/alone", split: split({ v1: 100 }) };
      await put(0, [alone, { ...alone, prefix: "/shadowed", shadow: { application, percent: 100 } }]);
      // Until then `/` has them.
      const isKnown = async (isolate: number, prefix: string) =>
        (await (await isolates.fetch(isolate, prefix)).text()).includes('"app":"v1"');
      for (const isolate of ALL) for (const prefix of ["/alone", "/shadowed"]) await until(() => isKnown(isolate, prefix));
      const body = "y".repeat(1000);
      const ask = async (isolate: number, prefix: string) => {
        const beganAtMs = performance.now();
        const response = await isolates.fetch(isolate, `${prefix}/x`, { method: "POST", body });
        expect([response.status, await response.json()]).toEqual([
          200,
          { app: "v1", path: "/x", routePrefix: prefix, shadow: false, body },
        ]);
        return performance.now() - beganAtMs;
      };
      // They take turns, so what slows the machine slows both.
      const p99s = async () => {
        const times: Record<string, number[]> = { "/alone": [], "/shadowed": [] };
        for (let round = 0; round < 120; round++) {
          for (const prefix of round % 2 === 0 ? ["/alone", "/shadowed"] : ["/shadowed", "/alone"]) {
            times[prefix]!.push(...(await Promise.all(ALL.map((isolate) => ask(isolate, prefix)))));
          }
        }
        return Object.values(times).map((all) => all.toSorted((a, b) => a - b)[Math.floor(all.length * 0.99)]!) as [number, number];
      };
      // A moment in which the machine does something else is in one window. A shadow that was waited for would take 20 s in each.
      const over: number[] = [];
      for (let window = 0; window < 3 && over.length === window; window++) {
        const [alone99, shadowed99] = await p99s();
        if (shadowed99 >= 3 * alone99 + 50) over.push(shadowed99);
      }
      expect(over.length, `p99 with a shadow, in ms: ${over.join(", ")}`).toBeLessThan(3);
    },
  );
});
