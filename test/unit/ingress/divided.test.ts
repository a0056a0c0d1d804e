import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { RoutesNews } from "../../../src/ingress/isolate-traffic.ts";
import { createIngress } from "../../../src/ingress/ingress.ts";
import { DeploymentUnavailableError, RequestTimeoutError } from "../../../src/protocol/errors.ts";
import type { Manifest } from "../../../src/protocol/manifest.ts";
import type { RequestMeta } from "../../../src/protocol/messages.ts";
import type { RouteConfig } from "../../../src/protocol/traffic.ts";
import { resendable } from "../../../src/router/send.ts";
import { decodeFigures, requestsIn } from "../../../src/traffic/figures.ts";
import { REFRESH_MS, type TrafficQuery } from "../../../src/traffic/known-traffic.ts";
import { applied, NO_TRAFFIC, tableOf } from "../../../src/traffic/state.ts";

const app = (name: string, routePrefix: string | null = null) => ({ name, routePrefix, ingress: "Front" });
const split = (shares: Readonly<Record<string, number>>): RouteConfig => ({
  prefix: "/rank",
  split: Object.entries(shares).map(([application, percent]) => ({ application, percent })),
});

/** An isolate's ingress, and what the control plane and the applications are to it. */
class World {
  routes: readonly RouteConfig[];
  apps: readonly ReturnType<typeof app>[] = [app("root", "/"), app("v1"), app("v2")];
  routing = 0;
  /** What the replicas of an application say of it. */
  readonly gone = new Set<string>();
  fail: ((name: string) => unknown) | undefined;
  isSilent = false;
  /** Applications whose answers only the ingress counts. */
  readonly uncounted = new Set<string>();
  status = 200;
  readonly asked: TrafficQuery[] = [];
  readonly seen: { readonly name: string; readonly meta: RequestMeta; readonly body: string }[] = [];
  readonly kept: Promise<unknown>[] = [];
  readonly #handle;

  constructor(routes: readonly RouteConfig[]) {
    this.routes = routes;
    const { gone, seen, uncounted } = this;
    const prefixOf = (name: string) => this.apps.find((one) => one.name === name)?.routePrefix ?? null;
    const routingOf = (name: string) => (name === "root" ? this.routing : 0);
    const statusOf = () => this.status;
    const failureOf = (name: string) => this.fail?.(name);
    this.#handle = createIngress({
      manifest: { version: "v", applications: this.apps, routes } as unknown as Manifest,
      targetOf: (name) => ({
        requestTimeoutMs: null,
        ...(uncounted.has(name) ? { isUncounted: true } : {}),
        get routePrefix() {
          return prefixOf(name);
        },
        get isGone() {
          return gone.has(name);
        },
        get routing() {
          return routingOf(name);
        },
        prepare: resendable,
        async fetch(sent, meta) {
          const error = failureOf(name);
          if (error !== undefined) throw error;
          if (gone.has(name)) throw new DeploymentUnavailableError("It has been deleted.");
          const isHere = meta.traffic !== undefined || meta.routePrefix === prefixOf(name);
          if (!isHere) throw new DeploymentUnavailableError("It is no longer at this path.");
          const request = sent instanceof Request ? sent : sent.request();
          seen.push({ name, meta, body: await request.text() });
          return new Response(name, { status: statusOf(), headers: { "x-request-id": meta.requestId } });
        },
      }),
      control: { unready: async () => [], traffic: (query) => this.#answer(query) },
    });
  }

  async #answer(query: TrafficQuery): Promise<RoutesNews> {
    this.asked.push(query);
    if (this.isSilent) throw new Error("no answer");
    const state = applied(NO_TRAFFIC, this.routes, 0);
    const applications = Object.fromEntries(this.apps.map((one) => [one.name, one]));
    return { table: { ...tableOf(state), revision: 5 + this.routing }, applications: applications as never, routing: this.routing };
  }

  /** Has the isolate told of everything. */
  async refresh(): Promise<void> {
    await this.get("/-/routes");
  }

  async get(path: string, init: RequestInit = {}): Promise<{ status: number; text: string }> {
    const keepAlive = (promise: Promise<unknown>) => void this.kept.push(promise);
    const response = await this.#handle(new Request(`http://host${path}`, init), { env: {}, keepAlive });
    return { status: response.status, text: await response.text() };
  }
}

describe("a prefix that several applications share", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"] }));
  afterEach(() => void vi.useRealTimers());

  it("[I2] is waited for by the first request of an isolate, which does not go by what was compiled", async () => {
    const world = new World([split({ v1: 100, v2: 0 })]);
    world.routes = [split({ v1: 0, v2: 100 })];
    expect(await world.get("/rank/a")).toEqual({ status: 200, text: "v2" });
    expect(world.asked.length).toBe(1);
    expect(world.seen[0]!.meta).toMatchObject({ routePrefix: "/rank", traffic: 0, chain: ["v2/Front"], hops: 0 });
  });

  it("[I2] is what was compiled where the control plane does not answer", async () => {
    const world = new World([split({ v1: 100, v2: 0 })]);
    world.isSilent = true;
    expect((await world.get("/rank")).text).toBe("v1");
    world.isSilent = false;
    world.routes = [split({ v1: 0, v2: 100 })];
    vi.setSystemTime(Date.now() + REFRESH_MS);
    expect((await world.get("/rank")).text).toBe("v1");
    await Promise.all(world.kept);
    expect((await world.get("/rank")).text).toBe("v2");
  });

  it("[I1] costs requests of other prefixes nothing", async () => {
    const world = new World([split({ v1: 100 })]);
    for (const path of ["/", "/ranks", "/x/rank"]) expect((await world.get(path)).text).toBe("root");
    expect([world.asked, world.kept]).toEqual([[], []]);
    expect(world.seen[0]!.meta.traffic).toBeUndefined();
  });

  it.each([
    ["no body", {}],
    ["a small body", { method: "POST", body: "hello", headers: { "content-length": "5" } }],
  ])("[D1] loses no request whose application is gone, with %s", async (_, init) => {
    const world = new World([split({ v1: 100 })]);
    await world.get("/rank");
    world.gone.add("v1");
    world.routes = [split({ v2: 100 })];
    world.routing = 1;
    expect(await world.get("/rank", init)).toEqual({ status: 200, text: "v2" });
    expect(world.seen.at(-1)!.body).toBe("body" in init ? init.body : "");
  });

  it("[D1] waits for an application that is about to be there again", async () => {
    const world = new World([split({ v1: 100 })]);
    world.gone.add("v1");
    setTimeout(() => world.gone.delete("v1"), 150);
    expect(await world.get("/rank")).toEqual({ status: 200, text: "v1" });
  });

  it("[D2] has what the ingress answers in a candidate's place counted as the candidate's", async () => {
    const canary = {
      stable: "v1",
      candidate: "v2",
      steps: [100],
      stepIntervalMs: 5000,
      minRequests: 1,
      maxErrorPercent: 1,
      maxP95Ratio: 2,
    };
    const world = new World([{ prefix: "/rank", canary }]);
    world.fail = () => new RequestTimeoutError("late");
    expect((await world.get("/rank")).status).toBe(408);
    vi.setSystemTime(Date.now() + REFRESH_MS);
    await Promise.all(world.kept);
    const counted = world.asked.flatMap(({ reports }) => reports);
    expect(counted).toEqual([{ source: expect.any(String), run: 0, application: "v2", counts: [[1, expect.any(String)]] }]);
    expect(decodeFigures(counted[0]!.counts[0]![1])?.errors).toBe(1);
  });

  it.each([
    ["answers of a candidate", "v2", [100], 500],
    ["answers of a stable application", "v1", [0.01, 100], 200],
  ])("[D3] counts %s whose objects have no controller", async (_, name, steps, status) => {
    const limits = { stepIntervalMs: 5000, minRequests: 1, maxErrorPercent: 1, maxP95Ratio: 2 };
    const world = new World([{ prefix: "/rank", canary: { stable: "v1", candidate: "v2", steps, ...limits } }]);
    world.uncounted.add(name);
    world.status = status;
    vi.spyOn(Math, "random").mockReturnValue(0.5);
    expect(await world.get("/rank")).toEqual({ status, text: name });
    vi.setSystemTime(Date.now() + REFRESH_MS);
    await Promise.all(world.kept);
    vi.restoreAllMocks();
    const counted = world.asked.flatMap(({ reports }) => reports);
    expect(counted.map(({ application }) => application)).toEqual([name]);
    const figures = decodeFigures(counted[0]!.counts[0]![1])!;
    expect([requestsIn(figures), figures.errors]).toEqual([1, status === 500 ? 1 : 0]);
  });

  it("is as it was for an isolate whose code lacks an application of the document, as during a deploy", async () => {
    const world = new World([split({ v1: 100, v2: 0 })]);
    world.apps = [...world.apps, app("v3"), app("new", "/new")];
    world.routes = [split({ v3: 100 })];
    expect((await world.get("/rank")).text).toBe("v1");
    world.routes = [split({ v2: 100 })];
    world.routing = 1;
    vi.setSystemTime(Date.now() + REFRESH_MS);
    await world.get("/rank");
    await Promise.all(world.kept);
    expect([(await world.get("/rank")).text, (await world.get("/new")).text]).toEqual(["v2", "root"]);
  });

  it("is heard of by an isolate whose requests another application has got until now", async () => {
    const world = new World([]);
    expect((await world.get("/rank")).text).toBe("root");
    world.routes = [split({ v1: 100 })];
    world.routing = 1;
    // Its replicas say so with the next answer.
    expect((await world.get("/rank")).text).toBe("root");
    await Promise.all(world.kept);
    expect((await world.get("/rank")).text).toBe("v1");
  });
});

describe("a request that was sent where its application no longer is", () => {
  const world = () => {
    const made = new World([]);
    made.apps = [app("root", "/"), app("v1", "/rank"), app("v2")];
    return made;
  };

  it.each<[string, (made: World) => void]>([
    ["another application", (made) => (made.apps = [app("root", "/"), app("v1"), app("v2", "/rank")])],
    ["a split", (made) => ((made.apps = [app("root", "/"), app("v1"), app("v2")]), (made.routes = [split({ v2: 100 })]))],
  ])("[N5] goes to %s that has the path now, and not to whoever has the rest", async (_, change) => {
    const made = world();
    await made.refresh();
    expect((await made.get("/rank/x")).text).toBe("v1");
    change(made);
    made.routing++;
    // At the same time: none of them makes the others take another way.
    const answers = await Promise.all(Array.from({ length: 3 }, () => made.get("/rank/x")));
    expect(answers).toEqual(Array.from({ length: 3 }, () => ({ status: 200, text: "v2" })));
  });

  it("goes by what the replica says where the control plane does not answer", async () => {
    const made = world();
    await made.refresh();
    made.apps = [app("root", "/"), app("v1", "/elsewhere"), app("v2")];
    made.isSilent = true;
    expect([(await made.get("/rank/x")).text, (await made.get("/elsewhere")).text]).toEqual(["root", "v1"]);
  });
});
