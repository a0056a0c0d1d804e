import { describe, expect, it } from "vitest";
import { deployment } from "../../../src/api/deployment.ts";
import { runLocal } from "../../../src/local/run-local.ts";
import { ConfigError, MethodNotFoundError } from "../../../src/protocol/errors.ts";
import type { HandleOptions } from "../../../src/protocol/handle-types.ts";
import { connectHandle } from "../../../src/client/connection.ts";
import { handleOf, value } from "../../support/recorded-handle.ts";
import { rejectionOf } from "../../support/rejection.ts";

class Model {
  call() {
    return "called";
  }
  score() {
    return 1;
  }
  _hidden() {}
}

type AnyHandle = { options(options: unknown): AnyHandle; score: (() => unknown) & { remote(): PromiseLike<unknown> } };

/** A handle by every way that there is to get one, and what its deployment is called. */
const HANDLES: readonly [string, () => unknown, string][] = [
  ["in a Worker", () => handleOf(value(1)).handle, '"Model" of application "news"'],
  ["of runLocal", () => runLocal(deployment(Model).bind()), '"Model" of application "default"'],
  ["of connect", () => connectHandle({ url: "http://localhost", token: "t", app: "shop" }), '"ingress" of application "shop"'],
];
const cases = <T extends readonly unknown[]>(rows: readonly T[]) =>
  HANDLES.flatMap(([way, make, name]) => rows.map((row) => ({ way, make: make as () => AnyHandle, name, row })));

describe("an option of a handle", () => {
  it.each(
    cases<[unknown, string]>([
      [{ timeoutMs: -1 }, "timeoutMs must be a number above 0 and at most 2147483647, got -1."],
      [{ timeoutMs: 0 }, "timeoutMs must be a number above 0 and at most 2147483647, got 0."],
      [{ timeoutMs: NaN }, "timeoutMs must be a number above 0 and at most 2147483647, got NaN."],
      [{ timeoutMs: Infinity }, "timeoutMs must be a number above 0 and at most 2147483647, got Infinity."],
      [{ timeoutMs: 2 ** 31 }, "timeoutMs must be a number above 0 and at most 2147483647, got 2147483648."],
      [{ timeoutMs: "1s" }, 'timeoutMs must be a number above 0 and at most 2147483647, got "1s".'],
      [{ timeoutMs: null }, "timeoutMs must be a number above 0 and at most 2147483647, got null."],
      [{ key: 5 }, "key must be a string, got 5."],
      [{ key: { toString: 1 } }, 'key must be a string, got {"toString":1}.'],
      [{ key: null }, "key must be a string, got null."],
      [{ multiplexedModelId: {} }, "multiplexedModelId must be a string, got {}."],
      [{ multiplexedModelId: 1n }, "multiplexedModelId must be a string, got 1n."],
      [{ signal: new AbortController() }, "signal must be an AbortSignal, got an AbortController."],
      [{ signal: "x".repeat(1000) }, `signal must be an AbortSignal, got "${"x".repeat(76)}....`],
      [{ timeout: 5 }, 'unknown option "timeout". Did you mean timeoutMs?'],
      [{ model_id: "a" }, 'unknown option "model_id".'],
      [{ hops: -50 }, 'unknown option "hops".'],
      [{ constructor: 1 }, 'unknown option "constructor".'],
      [JSON.parse('{"__proto__":{"key":"k"}}'), 'unknown option "__proto__".'],
      [undefined, "the options must be an object, got undefined."],
      ["key", 'the options must be an object, got "key".'],
    ]),
  )("$way that is $row.0 is refused at once", ({ make, name, row: [options, message] }) => {
    const act = () => make().options(options);
    expect(act).toThrow(ConfigError);
    expect(act).toThrow(`Handle of deployment ${name}: ${message}`);
  });

  it("is kept until another handle says otherwise", async () => {
    const { handle, sent } = handleOf(value(1));
    const given: HandleOptions = { key: "k", multiplexedModelId: "", timeoutMs: 2_147_483_647, signal: new AbortController().signal };
    await handle
      .options(given)
      .options({ key: undefined as never })
      .score.remote();
    expect(sent[0]?.meta).toMatchObject({ multiplexedModelId: "" });
    expect(sent[0]?.meta.key).toBeUndefined();
  });

  it.each([-1, 0, NaN, Infinity, 2 ** 31, "1"])("timeoutMs of result() may not be %j", async (timeoutMs) => {
    const response = handleOf(value(1)).handle.remote();
    const error = await rejectionOf(response.result({ timeoutMs: timeoutMs as number }));
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as Error).message).toMatch(/^result\(\): timeoutMs must be a number above 0 and at most 2147483647, got /);
    expect(await response).toBe(1);
  });
});

describe("a method of a handle", () => {
  it.each(cases([[undefined]]))("$way that is called without .remote says so", ({ make, name }) => {
    const [deploymentName, app] = name.split(" of application ");
    const act = () => make().score();
    expect(act).toThrow(TypeError);
    expect(act).toThrow(`"${JSON.parse(deploymentName!) as string}.score" of application ${app} was called like a local method.`);
    expect(act).toThrow("use .score.remote(...)");
  });

  it("is the same object each time, also with options", () => {
    const { handle } = handleOf(value(1));
    expect(handle.score).toBe(handle.score);
    expect((handle as unknown as { then?: unknown }).then).toBeUndefined();
    const keyed = handle.options({ key: "k" });
    expect(keyed.score).toBe(keyed.score);
  });

  it.each([
    ["_hidden", /^Method "_hidden" on deployment "Model" is private: /],
    ["scroe", /^No method "scroe" on deployment "Model"\. Did you mean "score"\? It has: call, score\.$/],
    ["alarm", /^Method "alarm" on deployment "Model" is called by the runtime only\./],
    ["toString", /^No method "toString" on deployment "Model"\. It has: call, score\.$/],
  ])("of runLocal that is called %s is refused with a reason", async (method, message) => {
    const handle = runLocal(deployment(Model).bind()) as unknown as Record<string, { remote(): PromiseLike<unknown> }>;
    const error = await rejectionOf(handle[method]!.remote());
    expect(error).toBeInstanceOf(MethodNotFoundError);
    expect((error as Error).message).toMatch(message);
  });
});
