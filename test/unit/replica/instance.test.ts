import { describe, expect, it } from "vitest";
import { DeploymentUnavailableError } from "../../../src/protocol/errors.ts";
import { Instance, type InstanceParts } from "../../../src/replica/instance.ts";
import { replicaScope } from "../../support/scope.ts";

interface Heard {
  readonly configured: unknown[];
  readonly refused: string[];
  readonly failed: string[];
  /** What the class is to be configured with. */
  wanted: unknown;
  /** What it took last. */
  last: unknown;
}

interface Given {
  readonly wanted?: unknown;
  readonly last?: unknown;
  /** How long the first check may take; it is left out otherwise. */
  readonly checkTimeoutMs?: number;
}

function instanceOf(target: Function, config: Given = {}) {
  const heard: Heard = { configured: [], refused: [], failed: [], wanted: config.wanted, last: config.last };
  const parts: InstanceParts = {
    scope: replicaScope(),
    target,
    isClass: /^class\b/.test(String(target)),
    bindArgs: () => [],
    userConfig: () => heard.wanted,
    lastUserConfig: () => heard.last,
    checkTimeoutMs: () => config.checkTimeoutMs,
    configured: (taken) => {
      heard.last = taken;
      heard.configured.push(taken);
    },
    refused: ({ message }) => void heard.refused.push(message),
    failed: ({ message }) => void heard.failed.push(message),
  };
  return { instance: new Instance(parts), heard };
}

/** A class that says what is done with it, and refuses what it is told to. */
function recorder(refuses: (config: unknown) => boolean = () => false) {
  const steps: string[] = [];
  class Model {
    constructor() {
      steps.push("constructor");
    }
    async setup() {
      await Promise.resolve();
      steps.push("setup");
    }
    async reconfigure(config: unknown) {
      steps.push(`reconfigure ${JSON.stringify(config)}`);
      await Promise.resolve();
      if (refuses(config)) throw new RangeError(`refused ${JSON.stringify(config)}`);
    }
    async checkHealth() {
      steps.push("checkHealth");
    }
    async [Symbol.asyncDispose]() {
      steps.push("disposed");
    }
  }
  return { steps, Model };
}

describe("an instance that starts", () => {
  it("[I1] is constructed, set up, configured and checked, in this order", async () => {
    const { steps, Model } = recorder();
    const { instance, heard } = instanceOf(Model, { wanted: 1, checkTimeoutMs: 1000 });
    await instance.start();
    expect(steps).toEqual(["constructor", "setup", "reconfigure 1", "checkHealth"]);
    expect(heard).toMatchObject({ configured: [1], refused: [], failed: [] });
  });

  it("[I1] is the same for all who ask while it starts", async () => {
    const { steps, Model } = recorder();
    const { instance } = instanceOf(Model);
    const [a, b] = await Promise.all([instance.start(), instance.start()]);
    expect(a).toBe(b);
    expect(await instance.start()).toBe(a);
    // Nobody checks it here.
    expect(steps).toEqual(["constructor", "setup"]);
  });

  it("[I2] is made anew after a start that failed", async () => {
    let attempts = 0;
    class Model {
      constructor() {
        if (++attempts === 1) throw new Error("no weights");
      }
      call() {}
    }
    const { instance, heard } = instanceOf(Model);
    await expect(instance.start()).rejects.toThrow(DeploymentUnavailableError);
    expect(heard.failed).toEqual([expect.stringContaining("its constructor threw Error: no weights")]);
    expect((await instance.start()).target).toBeInstanceOf(Model);
  });

  it("[I2] is not kept when its first health check fails, or takes too long", async () => {
    let checks = 0;
    const disposed: number[] = [];
    class Model {
      [Symbol.asyncDispose](): Promise<never> {
        disposed.push(checks);
        return Promise.reject(new Error("what this throws says less"));
      }
      checkHealth(): Promise<void> | undefined {
        checks++;
        if (checks === 1) throw new Error("ill");
        return checks === 2 ? new Promise(() => {}) : undefined;
      }
    }
    const { instance, heard } = instanceOf(Model, { checkTimeoutMs: 20 });
    await expect(instance.start()).rejects.toThrow("cannot start: its first checkHealth() threw Error: ill");
    expect(instance.started).toBeUndefined();
    await expect(instance.start()).rejects.toThrow("it took longer than 20 ms");
    await instance.start();
    expect(instance.started?.target).toBeInstanceOf(Model);
    expect(disposed).toEqual([1, 2]);
    expect(heard.failed).toHaveLength(2);
  });
});

describe("a configuration that the class refuses", () => {
  const isBad = (config: unknown) => config === "bad";

  it("[I3] leaves a running instance as it was, and is told", async () => {
    const { steps, Model } = recorder(isBad);
    const { instance, heard } = instanceOf(Model, { wanted: "good" });
    const { target } = await instance.start();
    heard.wanted = "bad";
    expect(await instance.reconfigure()).toEqual({
      message: 'reconfigure() threw RangeError: refused "bad"',
      stack: expect.stringContaining("at Model.reconfigure"),
    });
    expect(instance.started?.target).toBe(target);
    expect(heard).toMatchObject({ configured: ["good"], refused: ['reconfigure() threw RangeError: refused "bad"'] });
    heard.wanted = "good";
    expect(await instance.reconfigure()).toBeUndefined();
    expect(steps).toEqual(["constructor", "setup", 'reconfigure "good"', 'reconfigure "bad"']);
  });

  it("[I3] makes one that starts go on with what its class took before", async () => {
    const { steps, Model } = recorder(isBad);
    const { instance, heard } = instanceOf(Model, { wanted: "bad", last: "good" });
    await instance.start();
    expect(steps.filter((step) => step.startsWith("reconfigure"))).toEqual(['reconfigure "bad"', 'reconfigure "good"']);
    expect(heard).toMatchObject({ configured: [], refused: [expect.stringContaining('refused "bad"')], failed: [] });
  });

  it("[I2] fails the start where the class has taken none before, or refuses that one too", async () => {
    const { Model } = recorder(isBad);
    await expect(instanceOf(Model, { wanted: "bad" }).instance.start()).rejects.toThrow('reconfigure() threw RangeError: refused "bad"');
    const { Model: Fussy } = recorder(() => true);
    const { instance, heard } = instanceOf(Fussy, { wanted: "bad", last: "good" });
    await expect(instance.start()).rejects.toThrow('refused "good"');
    expect(heard.failed).toHaveLength(1);
  });
});

describe("a configuration that is new", () => {
  it("[I3] reaches an instance that was being made with the one before", async () => {
    const ready = Promise.withResolvers<void>();
    const seen: unknown[] = [];
    class Model {
      setup() {
        return ready.promise;
      }
      reconfigure(config: unknown) {
        seen.push(config);
      }
    }
    const { instance, heard } = instanceOf(Model, { wanted: 1 });
    const started = instance.start();
    heard.wanted = 2;
    const reconfigured = instance.reconfigure();
    ready.resolve();
    await started;
    expect(await reconfigured).toBeUndefined();
    expect([seen, heard.last]).toEqual([[1, 2], 2]);
  });

  it("[I3] comes after the one before, and the newest comes last, however long each takes", async () => {
    const gates = new Map<unknown, PromiseWithResolvers<void>>();
    const [begun, done]: [unknown[], unknown[]] = [[], []];
    class Model {
      async reconfigure(config: unknown) {
        begun.push(config);
        const gate = Promise.withResolvers<void>();
        gates.set(config, gate);
        await gate.promise;
        done.push(config);
      }
    }
    const { instance, heard } = instanceOf(Model);
    await instance.start();
    heard.wanted = "slow";
    const first = instance.reconfigure();
    await Promise.resolve();
    heard.wanted = "skipped";
    const second = instance.reconfigure();
    heard.wanted = "newest";
    const third = instance.reconfigure();
    expect(begun).toEqual(["slow"]);
    gates.get("slow")?.resolve();
    await first;
    await Promise.resolve();
    gates.get("newest")?.resolve();
    await Promise.all([second, third]);
    expect([begun, done, heard.last]).toEqual([["slow", "newest"], ["slow", "newest"], "newest"]);
  });

  it("is given once", async () => {
    const { steps, Model } = recorder();
    const { instance, heard } = instanceOf(Model, { wanted: { k: 1 } });
    await instance.start();
    heard.wanted = { k: 1 };
    await instance.reconfigure();
    expect(steps.filter((step) => step.startsWith("reconfigure"))).toHaveLength(1);
  });

  it("waits for nothing where there is no instance: the next one is made with it", async () => {
    const { steps, Model } = recorder();
    const { instance, heard } = instanceOf(Model, { wanted: 1 });
    expect(await instance.reconfigure()).toBeUndefined();
    heard.wanted = 2;
    await instance.start();
    expect(steps).toEqual(["constructor", "setup", "reconfigure 2"]);
  });
});

describe("an instance that is disposed of", () => {
  it("cleans up once, and the next start makes another, configured again", async () => {
    const { steps, Model } = recorder();
    const { instance } = instanceOf(Model, { wanted: 1 });
    await instance.start();
    await Promise.all([instance.dispose(), instance.dispose()]);
    expect(steps.filter((step) => step === "disposed")).toHaveLength(1);
    expect(instance.started).toBeUndefined();
    await instance.start();
    expect(steps.slice(-3)).toEqual(["constructor", "setup", "reconfigure 1"]);
  });

  it("may clean up without waiting, or not at all", async () => {
    let isDisposed = false;
    class Sync {
      [Symbol.dispose]() {
        isDisposed = true;
      }
    }
    const { instance } = instanceOf(Sync);
    await instance.start();
    await instance.dispose();
    expect(isDisposed).toBe(true);
    const none = instanceOf(
      class Plain {
        call() {}
      },
    ).instance;
    await none.start();
    await none.dispose();
    const functional = instanceOf(() => 1).instance;
    await functional.start();
    await functional.checkHealth();
    await functional.dispose();
  });
});
