/** What becomes of the object of a key when a run does not come to its end. */
import { describe, expect, it } from "vitest";
import * as serve from "../../../src/index.ts";
import { makeInstance } from "../../../src/inline/instance.ts";
import { KeyedControl } from "../../../src/replica/keyed-control.ts";

const NOW_MS = 1_000_000;

function keyedObject(target: new () => object) {
  const bound = serve.deployment(target, { keyed: true }).bind();
  const config = bound.deployment.resolve();
  const ended: string[] = [];
  const timers = new Set<{ readonly atMs: number; readonly happen: () => void }>();
  const parts = {
    compiled: { epoch: 0, version: "v", config, routePrefix: null },
    load: () => undefined,
    save() {},
    terminate: (reason: string) => void ended.push(reason),
  };
  const { replica } = makeInstance({
    bound,
    context: { appName: "a", replicaId: "a/Cart/@k", ordinal: 0, key: "k", version: "v", env: {} as Cloudflare.Env },
    noState: "There is none.",
    logging: { ...config.logging, accessLog: false },
    limits: config,
    userConfig: () => undefined,
    keyed: (object) => new KeyedControl(parts, object),
    after(ms, happen) {
      const timer = { atMs: NOW_MS + ms, happen };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    now: () => NOW_MS,
    handleTo: () => {
      throw new Error("Nobody is called.");
    },
    receiveHandle: (ref) => ref,
    tasks: () => undefined,
  });
  const pass = (atMs: number) => {
    for (const timer of timers) if (timer.atMs <= atMs && timers.delete(timer)) timer.happen();
  };
  const call = (method: string, deadline?: number) =>
    replica.call({
      meta: { requestId: "r", chain: ["a/Cart"], hops: 1, ...(deadline === undefined ? {} : { deadline }) },
      delivery: { id: "d", mode: "queue" },
      method,
      args: [],
    });
  return { ended, pass, call };
}

class Cart {
  hang() {
    return new Promise(() => {});
  }
  answer() {
    return "answered";
  }
}

describe("the object of a key", () => {
  it("is ended by a run that outlives its deadline by 30 s, and not before", async () => {
    const { ended, pass, call } = keyedObject(Cart);
    void call("hang", NOW_MS + 100);
    // Begun.
    await new Promise((resolve) => setImmediate(resolve));
    pass(NOW_MS + 100 + 29_999);
    expect(ended).toEqual([]);
    pass(NOW_MS + 100 + 30_000);
    expect(ended).toEqual([expect.stringContaining("30 s beyond its deadline")]);
  });

  it.each<[what: string, method: string, deadline: number | undefined]>([
    ["that has answered", "answer", NOW_MS + 100],
    ["that has no deadline", "hang", undefined],
  ])("is not ended by a run %s", async (_, method, deadline) => {
    const { ended, pass, call } = keyedObject(Cart);
    void call(method, deadline);
    await new Promise((resolve) => setImmediate(resolve));
    pass(Infinity);
    expect(ended).toEqual([]);
  });
});
