import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serve, type Server } from "edge-serve/testing";
import type { one } from "./apps/multiplexing.ts";
import { rejectionOf } from "../support/rejection.ts";

let server: Server;

beforeAll(async () => {
  server = await serve("test/e2e/apps/multiplexing.yaml", { quiet: true });
});
afterAll(() => server.stop());

const front = (app: string) => server.handle<typeof one>(app);
describe("the models of a replica", () => {
  it("are loaded when they are asked for, kept, and disposed of in order of use", async () => {
    const models = front("one");
    for (const id of ["fr", "de", "fr", "it"]) expect(await models.ask.remote(id, 1)).toMatchObject([{ text: `${id}:0` }]);
    expect(await models.state.remote()).toMatchObject({ loaded: ["fr", "it"], events: ["+fr", "+de", "-de", "+it"], stats: { hits: 1 } });
  });

  it("are loaded once by calls at once, and not kept when that fails, in the error's own class", async () => {
    const models = front("one");
    await models.ask.remote("es", 20);
    const error = await rejectionOf(models.ask.remote("broken", 5));
    expect(error).toBeInstanceOf(RangeError);
    expect((error as Error).message).toBe("There is no model broken.");
    const { events, loaded } = await models.state.remote();
    expect(events.filter((event) => event === "+es")).toHaveLength(1);
    expect(loaded).not.toContain("broken");
  });

  it("stay while a stream of items uses them", async () => {
    expect(await front("one").tokens.remote("pt")).toEqual(["pt 0", "pt 1", "pt 2"]);
  });

  it("may be more than the limit for a request that uses them all, and are not when it is over", async () => {
    const models = front("one");
    expect(await models.all.remote(["a", "b", "c", "d"])).toEqual(["a", "b", "c", "d"]);
    expect((await models.state.remote()).loaded).toEqual(["c", "d"]);
  });

  it("can be loaded before they are needed", async () => {
    const models = front("one");
    await models.prefetch.remote("early");
    const { stats } = await models.state.remote();
    await models.ask.remote("early", 1);
    expect((await models.state.remote()).stats).toMatchObject({ misses: stats.misses, hits: stats.hits + 1 });
  });

  it("load on for the others when the request that asked first is cancelled", async () => {
    expect(await front("cancelled").cancelFirst.remote("held")).toEqual(["RequestCancelledError", "held:second"]);
    expect((await front("cancelled").state.remote()).events).toEqual(["+held"]);
  });
});

describe("a model id", () => {
  it("sends equal ids to one replica, and different ids to many: Ray Serve's handle option", async () => {
    const ordinals = new Set<number>();
    for (const id of ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"]) {
      const replicas = new Set((await front("many").ask.remote(id, 10)).map(({ ordinal }) => ordinal));
      expect(replicas.size).toBe(1);
      for (const ordinal of replicas) ordinals.add(ordinal);
    }
    expect(ordinals.size).toBeGreaterThan(2);
  });

  it("goes to another replica when the one that has the model is full: Ray Serve's max_ongoing_requests of 1", async () => {
    expect(new Set(await front("busy").together.remote("fr", 2))).toEqual(new Set([0, 1]));
  });

  it.each(["serve-multiplexed-model-id", "serve_multiplexed_model_id"])("comes over HTTP in %s", async (header) => {
    const ordinals = new Set<number>();
    for (let n = 0; n < 10; n++) {
      const response = await server.fetch("/direct", { method: "POST", body: "hi", headers: { [header]: "fr" } });
      const { text, ordinal } = (await response.json()) as { text: string; ordinal: number };
      expect(text).toBe("fr:hi");
      ordinals.add(ordinal);
    }
    expect(ordinals.size).toBe(1);
  });

  it("is empty where there is none", async () => {
    expect(await (await server.fetch("/direct/none")).text()).toBe("");
    expect((await server.fetch("/direct", { method: "POST", body: "hi" })).status).toBe(500);
  });
});
