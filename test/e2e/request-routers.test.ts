import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { DeploymentHandle, HandleOptions, RouterRequest } from "edge-serve";
import { runLocal, serve, type Server } from "edge-serve/testing";
import { model, type Model, record, type Record, type Seen } from "./apps/request-routers.ts";

interface Place {
  /** @param options What the request is sent with. */
  handle(options?: HandleOptions): DeploymentHandle<Model>;
  readonly records: DeploymentHandle<Record>;
}

type Way = readonly [name: string, method: string, send: (handle: DeploymentHandle<Model>) => Promise<unknown>];

const WAYS: readonly Way[] = [
  ["a call of the default method", "call", async (handle) => handle.remote()],
  ["a call of a method", "named", async (handle) => handle.named.remote()],
  ["a stream", "items", (handle) => Array.fromAsync(handle.items.remote())],
  ["a task", "named", async (handle) => (await handle.named.enqueue()).result({ timeoutMs: 20_000 })],
];

const OPTIONS: readonly [name: string, options: HandleOptions][] = [
  ["nothing", {}],
  ["a key", { key: "to 1" }],
  ["a model id", { multiplexedModelId: "m" }],
  ["a key and a model id", { key: "to 1", multiplexedModelId: "m" }],
];

function describeRequests(place: () => Place): void {
  describe.each(WAYS)("for %s", (_, method, send) => {
    it.each(OPTIONS)("with %s", async (_name, options) => {
      await send(place().handle(options));
      const [first] = await place().records.take.remote();
      const { region: _region, ...request } = first!.request;
      expect(request).toStrictEqual({ ...options, method } satisfies RouterRequest);
    });
  });
}

function describeReplicas(place: () => Place): void {
  /** What the next request's router sees of both replicas. */
  const next = async () => {
    await place().records.take.remote();
    await place().handle({ key: "to 0" }).remote();
    return (await place().records.take.remote())[0]!.candidates;
  };

  it("where they were placed, and the replica that it chooses is the one that runs the request", async () => {
    expect((await next()).map(({ ordinal, location, region }) => [ordinal, location, region])).toEqual([
      [0, "weur", "weur"],
      [1, "enam", "enam"],
    ]);
    for (const ordinal of [0, 1])
      expect(
        await place()
          .handle({ key: `to ${ordinal}` })
          .remote(),
      ).toBe(ordinal);
  });

  it("which models they have loaded, the one used last first", async () => {
    const load = async (multiplexedModelId: string) => place().handle({ key: "to 1", multiplexedModelId }).remote();
    for (const id of ["a", "b", "ü c"]) await load(id);
    expect((await next())[1]!.models).toEqual(["ü c", "b"]);
    await load("b");
    expect((await next())[1]!.models).toEqual(["b", "ü c"]);
  });

  it("how many requests they run and how many wait, and none once all is over", async () => {
    const { handle, records } = place();
    const held: PromiseLike<void>[] = [];
    // Replicas with two requests refuse the next claim, and say what they have.
    for (const ordinal of [0, 0, 1, 1, 1]) held.push(handle({ key: `to ${ordinal}` }).hold.remote());
    const waiting: PromiseLike<unknown>[] = [];
    const looked = async () => {
      waiting.push(handle({ key: "to 0" }).remote());
      await records.take.remote().then((seen) => latest.push(...seen));
      return latest.at(-1)!.candidates.map(({ ongoing, queued }) => [ongoing, Math.min(queued, 1)]);
    };
    const latest: Seen[] = [];
    await expect.poll(looked).toEqual([
      [2, 1],
      [2, 1],
    ]);
    let isOver = false;
    const all = Promise.all([...held, ...waiting]).then(() => (isOver = true));
    await expect.poll(async () => (await records.letGo.remote(), isOver)).toBe(true);
    await all;
    for (const ordinal of [0, 1]) await handle({ key: `to ${ordinal}` }).remote();
    expect((await next()).map(({ inFlight, ongoing, queued }) => [inFlight, ongoing, queued])).toEqual([
      [0, 0, 0],
      [0, 0, 0],
    ]);
  });
}

describe("in workerd, a request router of the application's own is given", () => {
  let server: Server;
  let place: Place;
  beforeAll(async () => {
    server = await serve("test/e2e/apps/request-routers.yaml", { quiet: true });
    const handle = server.handle<typeof model>("model");
    place = { handle: (options = {}) => handle.options(options), records: server.handle<typeof record>("record") };
  });
  afterAll(() => server.stop());
  beforeEach(async () => void (await place.records.take.remote()));

  describe("the request", () => {
    describeRequests(() => place);

    it.each<[string, Readonly<globalThis.Record<string, string>>, RouterRequest]>([
      ["nothing", {}, { method: "fetch" }],
      ["a session id", { "mcp-session-id": "to 1" }, { method: "fetch", key: "to 1" }],
      ["a session id in another header than the one that is named", { "x-session-id": "to 1" }, { method: "fetch" }],
      ["a model id", { "serve-multiplexed-model-id": "m" }, { method: "fetch", multiplexedModelId: "m" }],
    ])("for HTTP with %s", async (_, headers, expected) => {
      const response = await server.fetch("/model", { headers });
      expect(response.status).toBe(200);
      const [first] = await place.records.take.remote();
      const { region: _region, ...request } = first!.request;
      expect(request).toStrictEqual(expected);
    });
  });

  describe("the replicas:", () => describeReplicas(() => place));

  it.each(["/", "/streamed"])("the replicas' models by answers over HTTP to %s, of which the client sees nothing", async (path) => {
    const headers = { "mcp-session-id": "to 0", "serve-multiplexed-model-id": `http ${path}` };
    for (let n = 0; n < 2; n++) {
      const response = await server.fetch(`/model${path}`, { headers });
      expect(await response.json()).toBe(0);
      expect([...response.headers.keys()].filter((name) => name.startsWith("x-edge-serve"))).toEqual([]);
    }
    const [first] = (await place.records.take.remote()).at(-1)!.candidates;
    expect(first).toMatchObject({ ongoing: 0, queued: 0 });
    expect(first!.models[0]).toBe(`http ${path}`);
  });
});

describe("in runLocal, a request router of the application's own is given", () => {
  const handle = runLocal(model, { name: "model" });
  const place: Place = { handle: (options = {}) => handle.options(options), records: runLocal(record, { name: "record" }) };
  beforeEach(async () => void (await place.records.take.remote()));

  describe("the request", () => describeRequests(() => place));
  describe("the replicas:", () => describeReplicas(() => place));
});
