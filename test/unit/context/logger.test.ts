import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { markBindings } from "../../../src/context/bindings.ts";
import { logger } from "../../../src/context/logger.ts";
import { runInScope } from "../../../src/context/scope.ts";
import { BackPressureError } from "../../../src/protocol/errors.ts";
import { logFailure } from "../../../src/replica/request-log.ts";
import { CARRIED, LARGE, THROWN } from "../../support/crossings.ts";
import { requestScope } from "../../support/scope.ts";

const MAX_BYTES = 65_536;
const env = { TOKEN: "secret", DB: { prepare: () => "secret" } };
const copied = { TOKEN: "secret", replica: {} };
markBindings(copied);
const scope = requestScope();
const { appName, deployment, replicaId } = scope.replica.context;
const replica = { context: { appName, deployment, replicaId, env }, logging: { level: "DEBUG", accessLog: false } };
const inScope = { ...scope, replica };

beforeEach(() => {
  for (const method of ["debug", "log", "warn", "error"] as const) vi.spyOn(console, method).mockImplementation(() => {});
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** The line that was written, which is valid JSON and not too long. */
function lineOf(write: () => void): Record<string, unknown> {
  vi.mocked(console.error).mockClear();
  runInScope(inScope as never, write);
  const calls = (["debug", "log", "warn", "error"] as const).flatMap((method) => vi.mocked(console[method]).mock.calls);
  expect(calls).toHaveLength(1);
  for (const method of ["debug", "log", "warn", "error"] as const) vi.mocked(console[method]).mockClear();
  const [[text]] = calls as [[string]];
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MAX_BYTES);
  return JSON.parse(text) as Record<string, unknown>;
}
const fieldOf = (value: unknown) => lineOf(() => logger.error("m", { good: 1, value, last: "here" }));

function sharedDeeply(): unknown {
  let value: unknown = 1;
  for (let level = 0; level < 40; level++) value = { a: value, b: value };
  return value;
}
const throwing = (): never => {
  throw new Error("no");
};

/** A field, and what is written of it. */
const FIELDS: readonly (readonly [string, () => unknown, unknown])[] = [
  ["plain data", () => ({ a: [1, "x", null, true, { b: 1.5 }] }), { a: [1, "x", null, true, { b: 1.5 }] }],
  ["what JSON leaves out", () => ({ a: undefined, f: () => 1, s: Symbol("s"), list: [undefined, () => 1] }), { list: [null, null] }],
  ["numbers that are none", () => [NaN, Infinity, -0], [null, null, 0]],
  ["a date", () => new Date(0), "1970-01-01T00:00:00.000Z"],
  ["a date that is none", () => new Date(NaN), null],
  ["a bigint in an object without prototype", () => Object.assign(Object.create(null) as object, { n: 1n }), { n: "1" }],
  ["a Map with names", () => new Map([["a", { b: 1n }]]), { a: { b: "1" } }],
  ["a Map without names", () => new Map([[1, "a"]]), [[1, "a"]]],
  ["a Set", () => new Set([1, new Set(["x"])]), [1, ["x"]]],
  ["a boxed string", () => Object("x"), "x"],
  ["an object that is used twice", () => ((user) => ({ a: user, b: user }))({ id: 1 }), { a: { id: 1 }, b: { id: 1 } }],
  ["a cycle", () => { const loop: Record<string, unknown> = { n: 1 }; loop["self"] = loop; return loop; }, { n: 1, self: "[circular]" }],
  ["a toJSON that throws", () => ({ a: { toJSON: throwing }, b: 1 }), { a: "[toJSON() threw Error: no]", b: 1 }],
  ["a getter that throws", () => ({ get a(): never { return throwing(); }, b: 1 }), { b: 1 }],
  ["a proxy that throws", () => ({ p: new Proxy({}, { ownKeys: throwing, get: throwing, getPrototypeOf: throwing }), b: 1 }), { p: "[unreadable]", b: 1 }],
  ["a copy of the bindings, as a router makes it", () => ({ c: { env: { ...env, replica: 1 } } }), { c: { env: ["TOKEN", "DB", "replica"] } }],
  ["one binding that is meant", () => ({ TOKEN: env.TOKEN }), { TOKEN: "secret" }],
  ["the Worker's bindings", () => ({ ctx: { env } }), { ctx: { env: ["TOKEN", "DB"] } }],
  ["binary", () => new Uint8Array([1, 255]), "[Uint8Array of 2 bytes: 01ff]"],
  ["a text of 40,000", () => "x".repeat(40_000), "x".repeat(40_000)],
  ["a bigint of 200,000 digits", () => 2n ** 660_000n, "[bigint of more than 1233 digits]"],
  ["a bigint of 1,000 digits", () => 10n ** 1000n, `1${"0".repeat(1000)}`],
  ["a toJSON that gives itself", () => ({ n: 1, toJSON() { return this; } }), { n: 1 }],
  ["a toJSON that gives another", () => ({ toJSON: () => ({ n: 1, toJSON: () => "again" }) }), { n: 1 }],
  ["a toJSON that is given its key", () => ({ a: { toJSON: (key: string) => key }, list: [{ toJSON: (key: string) => key }] }), { a: "a", list: ["0"] }],
  ["other bindings of the Worker", () => ({ c: { env: copied } }), { c: { env: ["TOKEN", "replica"] } }],
  ["an error that is caused by a record", () => new Error("declined", { cause: { code: "E7" } }), expect.stringMatching(/^Error: declined\n[^]*\nCaused by: {"code":"E7"}$/)],
  ["an error that is caused by the bindings", () => new Error("declined", { cause: { env } }), expect.stringMatching(/\nCaused by: {"env":\["TOKEN","DB"\]}$/)],
  ["an error that is its own cause", () => { const error = new Error("x"); error.cause = error; return error; }, expect.stringMatching(/\nCaused by: \[shown above\]$/)],
  ["an error that is caused by what holds it", () => { const holder: Record<string, unknown> = {}; holder["e"] = new Error("x", { cause: holder }); return holder; }, { e: expect.stringMatching(/\nCaused by: "\[circular\]"$/) }],
  ["an error whose message was set later", () => { const error = new Error("first"); void error.stack; error.message = "then"; return error; }, expect.stringMatching(/^Error: then\nError: first\n/)],
  ["an error with 500 members", () => new AggregateError(Array(500).fill(0).keys()), expect.stringMatching(/\nOf these: 99\nOf these: \[400 more\]$/)],
  ["an error with errors that are no list", () => Object.assign(new Error("x"), { errors: 7 }), expect.stringMatching(/^Error: x\n/)],
  ["a revoked proxy", () => { const { proxy, revoke } = Proxy.revocable([], {}); revoke(); return [proxy, 1]; }, ["[unreadable]", 1]],
  ["a proxy of a Map", () => [new Proxy(new Map([["a", 1]]), {}), 1], ["[unreadable]", 1]],
  ["much binary", () => new Uint8Array(3_000_000), `[Uint8Array of 3000000 bytes: ${"00".repeat(32)}...]`],
]; // prettier-ignore

describe("a field of a log line", () => {
  it.each(FIELDS)("[L3][L4] is written as what it is, and hurts none beside it: %s", (_, make, written) => {
    const line = fieldOf(make());
    expect(line).toMatchObject({ good: 1, value: written, last: "here" });
    if (_ !== "one binding that is meant") expect(JSON.stringify(line)).not.toContain("secret");
  });

  it("[L3] leaves room for those after it, however many are large, and however deep", () => {
    const large = "x".repeat(100_000);
    const many = Object.fromEntries(Array.from({ length: 8 }, (_, n) => [`large${n}`, large]));
    const line = lineOf(() =>
      logger.error("m".repeat(100_000), { ...many, inside: { list: Array(50_000).fill(7), small: 1 }, last: "here" }),
    );
    expect(line).toMatchObject({ app: "news", requestId: "r1", inside: { small: 1 }, last: "here" });
  });

  it("[L2] is not read further than it is written", () => {
    let visits = 0;
    const counting = (length: number): unknown =>
      new Proxy(Array(length), { get: (list, key) => (visits++, Reflect.get(list, key) as unknown) });
    fieldOf(counting(2 ** 32 - 1));
    fieldOf(new Map(Array.from({ length: 300_000 }, (_, n) => [String(n), counting(2 ** 32 - 1)])));
    fieldOf(Object.fromEntries(Array.from({ length: 300_000 }, (_, n) => [String(n), undefined])));
    expect(visits).toBeLessThan(200_000);
  });

  it.each([...Object.entries(CARRIED), ...Object.entries(LARGE), ["shared objects, forty levels of two", sharedDeeply] as const])(
    "[L1][L2] is cut where it is large, in a moment: %s",
    (_, make) => {
      const value = make();
      const startedAt = performance.now();
      expect(fieldOf(value)["good"]).toBe(1);
      expect(performance.now() - startedAt).toBeLessThan(5000);
    },
  );

  it("is no binding, where all of them are spread into the fields: only their names are written", () => {
    const line = lineOf(() => logger.error("m", { ...env, n: 1 }));
    expect(line).toMatchObject({ env: ["TOKEN", "DB"], n: 1 });
    expect(JSON.stringify(line)).not.toContain("secret");
  });

  it.each<readonly [string, () => unknown]>([
    ["empty objects", () => Array.from({ length: 100_000 }, () => ({}))],
    ["empty lists", () => Array.from({ length: 100_000 }, () => [])],
    ["empty texts", () => Array.from({ length: 100_000 }, () => "")],
    ["records of empty lists", () => Array.from({ length: 100_000 }, (_, n) => ({ [n]: [] }))],
    ["short bigints", () => Array.from({ length: 100_000 }, (_, n) => BigInt(n))],
    ["dates", () => Array.from({ length: 100_000 }, () => new Date(0))],
    ["errors", () => Array.from({ length: 10_000 }, () => new Error("€".repeat(100)))],
    ["values that say nothing", () => Array.from({ length: 100_000 }, () => ({ toJSON: throwing }))],
    ["half characters", () => Array.from({ length: 10_000 }, () => "\ud800\udfff\udfff")],
    ["names of 1,000 characters", () => Object.fromEntries(Array.from({ length: 1000 }, (_, n) => ["€".repeat(1000) + String(n), n]))],
  ])("[L2] is cut where there are many of them: %s", (_, make) => {
    const value = make();
    expect(JSON.stringify(fieldOf(value))).toMatch(/\[truncated\]|\[\d+ more\]/);
    let deep = value;
    for (let level = 0; level < 40; level++) deep = level % 2 === 0 ? { deep } : [deep, value];
    expect(fieldOf(deep)).toMatchObject({ good: 1, last: "here" });
  });

  it("[L2] says what is cut", () => {
    expect(fieldOf("x".repeat(2_000_000))["value"]).toMatch(/^x+\.\.\. \[\d+ more characters\]$/);
    expect(JSON.stringify(fieldOf(Array(1_000_000).fill(7)))).toContain("[truncated]");
    expect(JSON.stringify(fieldOf(Object.fromEntries(Array.from({ length: 50_000 }, (_, n) => [`k${n}`, n]))))).toMatch(/"\[\d+ more\]"/);
    expect(fieldOf("\u0000".repeat(60_000))["good"]).toBe(1);
    expect(fieldOf("ü€😀".repeat(60_000))["good"]).toBe(1);
  });

  it("has the stacks of errors, of their causes and of their members, at any depth", () => {
    const cause = new RangeError("why", { cause: new TypeError("root") });
    const { value } = fieldOf({ deep: [new AggregateError([new SyntaxError("one"), "two"], "all", { cause })] }) as {
      value: { deep: [string] };
    };
    for (const text of [
      "AggregateError: all",
      "Caused by: RangeError: why",
      "Caused by: TypeError: root",
      "Of these: SyntaxError: one",
      "Of these: two",
      "logger.test.ts",
    ])
      expect(value.deep[0]).toContain(text);
  });

  it("[L1][L2] is valid JSON whatever it is", () => {
    fc.assert(
      fc.property(
        fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true, withNullPrototype: true, withTypedArray: true }),
        (value) => {
          expect(fieldOf(value)).toMatchObject({ good: 1, last: "here" });
        },
      ),
    );
  });
});

describe("a log line's own fields", () => {
  it.each(["level", "message", "app", "deployment", "replica", "requestId", "route", "traceId", "spanId", "timestamp"])(
    "cannot be overwritten by one called %s",
    (name) => {
      const plain = lineOf(() => logger.error("charge failed"));
      const line = lineOf(() => logger.error("charge failed", { [name]: "forged" }));
      expect(line).toMatchObject({ ...plain, [`fields.${name}`]: "forged" });
      expect(line[name]).toEqual(plain[name]);
    },
  );

  it.each<readonly [unknown]>([
    [undefined],
    [null],
    [7],
    [{ a: 1 }],
    [new Error("no")],
    [Symbol("s")],
    ["x".repeat(100_000)],
    [{ toString: null }],
  ])("are there whatever the message is: %o", (message) => {
    expect(lineOf(() => logger.info(message as string, { a: 1 }))).toMatchObject({ level: "INFO", app: "news", a: 1 });
  });

  it("are followed by what was given as the fields, whatever it is", () => {
    const fieldsOf = (fields: unknown) => lineOf(() => logger.info("m", fields as never));
    expect(fieldsOf(Object.assign(new Error("no"), { code: 7 }))).toMatchObject({ error: expect.stringMatching(/^Error: no\n/) });
    expect(fieldsOf("text")).toMatchObject({ fields: "text" });
    expect(fieldsOf(new Map([["a", 1]]))).toMatchObject({ fields: { a: 1 } });
    expect(fieldsOf(env)).toMatchObject({ env: ["TOKEN", "DB"] });
    expect(fieldsOf(copied)).toMatchObject({ env: ["TOKEN", "replica"] });
    expect(Object.keys(fieldsOf({}))).toEqual(Object.keys(fieldsOf(undefined)));
  });

  it("hold no binding's value, also when the bindings are the message", () => {
    for (const message of [env, { env }, [copied]])
      expect(JSON.stringify(lineOf(() => logger.info(message as never)))).not.toContain("secret");
  });

  it("are written though the console throws", () => {
    vi.mocked(console.log).mockImplementation(throwing);
    runInScope(inScope as never, () => expect(() => logger.info("m")).not.toThrow());
  });

  it("are there whatever the fields are", () => {
    for (const fields of [null, 7, "text", [1], new Proxy({}, { ownKeys: throwing })])
      expect(lineOf(() => logger.info("m", fields as never))).toMatchObject({ level: "INFO", message: "m" });
  });
});

describe("a failure that is logged", () => {
  it.each(Object.entries(THROWN))("[L1] is one line, whatever was thrown: %s", (_, { make }) => {
    const thrown = make();
    const line = lineOf(() => logFailure(thrown, inScope as never));
    expect(line).toMatchObject({ level: "ERROR", error: expect.any(String), message: expect.any(String) });
  });

  it("[L1] is an ERROR where it does not say what it is", () => {
    const hiding = Object.defineProperty(new BackPressureError("full"), "cause", { get: throwing });
    expect(lineOf(() => logFailure(hiding, inScope as never))).toMatchObject({ level: "ERROR", message: "full" });
  });

  it.each(Object.entries(LARGE))("[L2] is written in a moment: %s", (_, make) => {
    const thrown = make();
    const startedAt = performance.now();
    lineOf(() => logFailure(thrown, inScope as never));
    expect(performance.now() - startedAt).toBeLessThan(5000);
  });
});
