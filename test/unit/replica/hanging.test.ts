/** Code of a deployment's class that never ends, or throws what it should not: a row for each thing that a replica awaits. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LOG_LEVELS } from "../../../src/protocol/manifest.ts";
import { SETUP_LIMIT_MS } from "../../../src/protocol/limits.ts";
import { Instance } from "../../../src/replica/instance.ts";
import { assignmentAt, compiledOf, REPLICA, ScriptedControl } from "../../support/assignments.ts";
import { recordLog } from "../../support/log-lines.ts";
import { callOf, replicaOf, valueOf } from "../../support/model-replica.ts";
import { replicaScope } from "../../support/scope.ts";

const log = recordLog();
beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const LIMIT_MS = 400;
/** What makes a promise of an object. */
const THEN = String("then");
const never = () => new Promise<never>(() => {});
const after = (ms: number) => vi.advanceTimersByTimeAsync(ms);

/** What user code may do instead of ending well. */
const BAD: Record<string, { readonly act: () => unknown; readonly message: RegExp }> = {
  "never ends": { act: never, message: /: it took longer than \d+ ms$/ },
  "gives a thenable that never calls back": { act: () => Object.fromEntries([[THEN, () => {}]]), message: /took longer/ },
  throws: {
    act: () => {
      throw new RangeError("no luck");
    },
    message: /threw RangeError: no luck$/,
  },
  rejects: { act: () => Promise.reject(new RangeError("no luck")), message: /threw RangeError: no luck$/ },
  "throws what is no text": {
    act: () => {
      throw Object.create(null);
    },
    message: /threw something that cannot be shown as text$/,
  },
  "throws an error whose message throws": {
    act: () => {
      throw Object.defineProperty(new Error("x"), "message", {
        get() {
          throw new Error("no");
        },
      });
    },
    message: /threw something that cannot be shown as text$/,
  },
  "throws a text of 40 MB": {
    act: () => {
      throw new Error("x".repeat(40e6));
    },
    message: /threw Error: x{4089}\.\.\. \(40000007 characters\)$/,
  },
};

type Part = "setup" | "reconfigure" | "checkHealth" | "dispose" | "constructor";

/** A replica whose class does that in one of its parts, `times` times, and is well otherwise. */
function bad(part: Part, act: () => unknown, times = Infinity) {
  let left = times;
  const acts = (here: Part) => (here === part && left-- > 0 ? act() : undefined);
  const seen = { made: 0, configs: [] as unknown[] };
  class Model {
    constructor() {
      seen.made++;
      acts("constructor");
    }
    setup() {
      return acts("setup");
    }
    reconfigure(config: unknown) {
      seen.configs.push(config);
      return config === "good" ? undefined : acts("reconfigure");
    }
    checkHealth() {
      return acts("checkHealth");
    }
    call() {
      return "served";
    }
    [Symbol.asyncDispose]() {
      return acts("dispose");
    }
  }
  const control = new ScriptedControl();
  const options = { healthCheckTimeoutMs: LIMIT_MS, userConfig: part === "reconfigure" ? "first" : undefined };
  const compiled = compiledOf(options);
  const replica = replicaOf(Model, {
    scope: { ...replicaScope(), logging: { level: LOG_LEVELS[0]!, accessLog: false } },
    limits: compiled.config,
    userConfig: options.userConfig,
    control: { control, deployment: "Model", replica: REPLICA, version: "v1", compiled, terminate: () => {}, release: async () => {} },
  });
  const assign = (epoch: number, userConfig: unknown, isStart = false) =>
    replica.assign(assignmentAt(epoch, {}, { ...options, userConfig }), isStart);
  return { replica, control, seen, assign, options };
}

/** What a start waits for, how it is called, and how long it may take. */
const STARTS: readonly (readonly [Part, string, number])[] = [
  ["constructor", "its constructor", 0],
  ["setup", "setup()", SETUP_LIMIT_MS],
  ["reconfigure", "reconfigure()", LIMIT_MS],
  ["checkHealth", "its first checkHealth()", LIMIT_MS],
];

describe.each(STARTS)("a start whose %s", (part, step, limitMs) => {
  // A constructor is synchronous: what it returns is the instance.
  const ways = Object.keys(BAD).filter((way) => part !== "constructor" || way.startsWith("throws"));

  it.each(ways)("%s has failed, is logged once when it does, and the next one starts anew", async (way) => {
    const { act, message } = BAD[way]!;
    const { replica, control, assign, seen, options } = bad(part, act, 1);
    const outcome = assign(1, options.userConfig, true);
    const waiting = [replica.call(callOf()), replica.call(callOf())];
    if (limitMs > 0 && message.source.includes("took longer")) {
      await after(limitMs - 1);
      expect(log.lines("ERROR")).toEqual([]);
    }
    await after(1);
    const reported = await outcome;
    expect(reported).toMatchObject({ kind: "startFailed", message: expect.stringContaining(`cannot start: ${step}`) });
    const errors = log.lines("ERROR").filter((line) => line.message.includes("cannot start"));
    expect(errors.map((line) => line.message)).toEqual([expect.stringMatching(message)]);
    expect(errors[0]).toMatchObject({ deployment: "Model", message: expect.stringContaining('Deployment "Model" of application "news"') });
    if (/threw (Range)?Error/.test(message.source)) expect(errors[0]?.["error"]).toContain("hanging.test.ts");
    for (const reply of await Promise.all(waiting)) expect(reply.kind).not.toBe("value");
    // Those who waited say that they failed, not why once more.
    expect(log.lines("WARNING").every((line) => line["error"] === undefined)).toBe(true);
    expect(control.kinds).not.toContain("startFailed");
    expect(valueOf(await replica.call(callOf()))).toBe("served");
    await after(60_000);
    expect([seen.made, vi.getTimerCount()]).toEqual([2, 0]);
  });
});

describe.each(Object.keys(BAD))("a reconfigure that %s", (way) => {
  const { act, message } = BAD[way]!;

  it("has failed: the replica serves with what it had, says so, and takes the next configuration", async () => {
    const { replica, assign, seen } = bad("reconfigure", act);
    await assign(1, "good", true);
    const outcome = assign(2, "bad");
    await after(0);
    const next = assign(3, "good");
    await after(LIMIT_MS);
    expect(await outcome).toMatchObject({ kind: "reconfigureFailed", message: expect.stringMatching(/^reconfigure\(\)/) });
    expect((await outcome) as { message: string }).toMatchObject({ message: expect.stringMatching(message) });
    expect(log.lines("ERROR").map((line) => line.message)).toEqual([
      expect.stringMatching(/^Deployment "Model" of application "news" goes on with the configuration that it had: reconfigure\(\)/),
    ]);
    expect(valueOf(await replica.call(callOf()))).toBe("served");
    expect(await next).toMatchObject({ kind: "done" });
    void assign(4, "better");
    await after(0);
    expect(seen.configs.at(-1)).toBe("better");
    await after(60_000);
    expect([seen.made, vi.getTimerCount()]).toEqual([1, 0]);
  });

  it("in a start that has taken another one before makes it go on with that", async () => {
    const instance = new Instance({
      scope: replicaScope(),
      target: class {
        reconfigure(config: unknown) {
          return config === "good" ? undefined : act();
        }
      },
      isClass: true,
      bindArgs: () => [],
      userConfig: () => "bad",
      lastUserConfig: () => "good",
      checkTimeoutMs: () => LIMIT_MS,
      configured: () => {},
      refused: () => {},
      failed: () => {},
    });
    const started = instance.start();
    await after(LIMIT_MS);
    expect((await started).target).toBe(instance.started?.target);
  });
});

describe.each(Object.keys(BAD))("a dispose that %s", (way) => {
  const { act, message } = BAD[way]!;

  it("is logged, and the replica is gone", async () => {
    const { replica, control, options } = bad("dispose", act);
    await replica.call(callOf());
    await replica.assign(assignmentAt(2, { duty: "draining" }, options), false);
    await after(LIMIT_MS);
    expect(control.kinds.at(-1)).toBe("drained");
    expect(log.lines("ERROR").map((line) => line.message)).toEqual([
      expect.stringMatching(/^Deployment "Model" of application "news" has not cleaned up: \[Symbol\.asyncDispose\]\(\)/),
    ]);
    expect(log.lines("ERROR")[0]?.message).toMatch(message);
    await after(60_000);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("a replica that drains", () => {
  it("is gone although its controller never answers", async () => {
    const { replica, control, options } = bad("dispose", () => undefined);
    await replica.call(callOf());
    control.answer = never;
    await replica.assign(assignmentAt(2, { duty: "draining" }, options), false);
    await after(120_000);
    expect([control.kinds.includes("drained"), vi.getTimerCount()]).toEqual([true, 0]);
  });
});

describe("what ends after it was given up", () => {
  it.each(["resolves", "rejects"])("changes nothing when a setup %s", async (how) => {
    const gate = Promise.withResolvers<void>();
    const { replica, control } = bad("setup", () => gate.promise, 1);
    const first = replica.call(callOf());
    await after(SETUP_LIMIT_MS);
    expect((await first).kind).not.toBe("value");
    if (how === "resolves") gate.resolve();
    else gate.reject(new Error("late"));
    await after(60_000);
    expect([control.kinds.filter((kind) => kind === "startFailed").length, log.lines("ERROR").length]).toEqual([1, 1]);
  });

  it("is not what the class is known to be configured with", async () => {
    const gate = Promise.withResolvers<void>();
    const { assign, control } = bad("reconfigure", () => gate.promise);
    await assign(1, "good", true);
    const outcome = assign(2, "late");
    await after(LIMIT_MS);
    await outcome;
    gate.resolve();
    await after(0);
    expect(control.remembered?.userConfig).toBe("good");
  });
});

describe("an instance with a method of the name that promises have", () => {
  it("is no promise", async () => {
    class Model {
      [THEN]() {
        return "called";
      }
      call() {
        return "served";
      }
    }
    expect(valueOf(await replicaOf(Model).call(callOf()))).toBe("served");
  });
});

describe("an instance with both ways of disposing", () => {
  it("is disposed of by the asynchronous one alone", async () => {
    const disposed: string[] = [];
    class Model {
      [Symbol.asyncDispose]() {
        disposed.push("async");
      }
      [Symbol.dispose]() {
        disposed.push("sync");
      }
    }
    const instance = new Instance({
      scope: replicaScope(),
      target: Model,
      isClass: true,
      bindArgs: () => [],
      userConfig: () => undefined,
      lastUserConfig: () => undefined,
      checkTimeoutMs: () => undefined,
      configured: () => {},
      refused: () => {},
      failed: () => {},
    });
    await instance.start();
    await instance.dispose();
    expect(disposed).toEqual(["async"]);
  });
});
