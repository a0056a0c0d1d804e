import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { RpcTarget } from "../../../src/ingress/outside-call.ts";
import { rpcEndpoint } from "../../../src/ingress/rpc.ts";
import { decodeError, type WireError } from "../../../src/protocol/error-codec.ts";
import { ConfigError, RequestTimeoutError, SerializationError } from "../../../src/protocol/errors.ts";
import type { Answer, CallRequest, ItemBatch } from "../../../src/protocol/messages.ts";
import type { RpcFrame } from "../../../src/protocol/rpc-messages.ts";
import { decodeText, encodeText, encodeWhole } from "../../../src/protocol/text-codec.ts";
import { never, streamOf, value } from "../../support/recorded-handle.ts";

const AUTHORIZED = { authorization: "Bearer secret" };
const MIB = 1024 * 1024;

/** An application "open" whose calls are recorded and answered by `reply`. */
function endpoint(reply: () => Answer | Promise<Answer>, requestTimeoutMs: number | null = null) {
  const calls: CallRequest[] = [];
  const stopped: unknown[] = [];
  const target: RpcTarget = {
    app: "open",
    deployment: "Model",
    requestTimeoutMs,
    async call(request, cancellation) {
      calls.push(request);
      cancellation?.listen((reason) => stopped.push(reason));
      return reply();
    },
    broadcast: async (request) => Promise.allSettled([target.call(request)]),
  };
  const ports = {
    isOpen: (app: string) => app === "open",
    targetOf(_: string, deployment = "Model") {
      if (deployment === "Model") return target;
      throw new ConfigError(`There is no deployment ${JSON.stringify(deployment)}.`);
    },
  };
  const send = async (body: unknown, headers: Record<string, string> = {}) => {
    const init = { method: "POST", headers: { ...AUTHORIZED, ...headers }, body, duplex: "half" } as RequestInit;
    const request = new Request("http://host/-/rpc/open", init);
    const env = { EDGE_SERVE_TOKEN: "secret" };
    const response = (await rpcEndpoint()(ports)(request, "/-/rpc/open", { env, keepAlive: () => {} }))!;
    const lines = (await response.text()).trim().split("\n");
    return { status: response.status, frames: lines.map((line) => decodeText(line) as RpcFrame) };
  };
  return { calls, stopped, send };
}

const call = (changes: object = {}) => encodeText({ args: [], options: {}, ...changes });
const errorIn = (frame: RpcFrame | undefined) => decodeError((frame as unknown as { error: WireError }).error);

beforeEach(() => {
  // Workers have it; Node does not.
  Object.defineProperty(crypto.subtle, "timingSafeEqual", {
    configurable: true,
    value: (a: ArrayBuffer, b: ArrayBuffer) => Buffer.from(a).equals(Buffer.from(b)),
  });
});
afterEach(() => {
  Reflect.deleteProperty(crypto.subtle, "timingSafeEqual");
  vi.useRealTimers();
});

describe("a call from outside that is no call", () => {
  it.each<[string, string]>([
    ["nothing", ""],
    ["no text of the codec", "{"],
    ["plain JSON", '{"args":[]}'],
    ["a number", encodeText(7)],
    ["null", encodeText(null)],
    ["an array", encodeText([])],
    ["a Map", encodeText(new Map([["args", []]]))],
    ["no arguments", encodeText({ options: {} })],
    ["arguments that are no array", call({ args: {} })],
    ["arguments that are an array's look-alike", call({ args: { length: 2, 0: 1 } })],
    ["arguments that are too many", call({ args: Array.from({ length: 10_001 }, () => 1) })],
    ["arguments that say to be too many", call({ args: Object.assign([1], { length: 2 ** 32 - 1 }) })],
    ["options that are no object", call({ options: [] })],
    ["options that are text", call({ options: "x" })],
    ["a method that is no text", call({ method: { toString: 1 } })],
    ["a deployment that is no text", call({ deployment: 5 })],
    ["a broadcast that is neither", call({ broadcast: "yes" })],
    ["a key that is no text", call({ options: { key: 5 } })],
    ["a trace that is none", call({ options: { traceparent: "00-1-2-3" } })],
    ["a model id that is no text", call({ options: { multiplexedModelId: {} } })],
    ["a deadline in the past", call({ options: { timeoutMs: -1 } })],
    ["a deadline that is no number", call({ options: { timeoutMs: "1s" } })],
    ["a deadline that is not a number at all", call({ options: { timeoutMs: Number.NaN } })],
    ["a deadline for which there is no timer", call({ options: { timeoutMs: 2 ** 31 } })],
    ["an index that leads nowhere", "[[99]]"],
    ["a type that there is not", '[["Nonsense",1]]'],
    ["a prototype", '[{"__proto__":1},{"polluted":2},true]'],
  ])("is answered 400 with a ConfigError: %s", async (_, body) => {
    const { calls, send } = endpoint(value(1));
    const { status, frames } = await send(body);
    expect([status, frames.length]).toEqual([400, 1]);
    expect(errorIn(frames[0])).toBeInstanceOf(ConfigError);
    expect(calls).toEqual([]);
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });

  it.each(["constructor", "__proto__", "toString", "a/b", "\0"])(
    "is answered with an error where deployment %j is not",
    async (deployment) => {
      const { frames } = await endpoint(value(1)).send(call({ deployment }));
      expect(errorIn(frames[0])).toMatchObject({ code: "CONFIG", message: `There is no deployment ${JSON.stringify(deployment)}.` });
    },
  );

  it.each<[string, () => { body: unknown; headers?: Record<string, string> }]>([
    ["by its length", () => ({ body: "x", headers: { "content-length": String(32 * MIB + 1) } })],
    ["while it is read", () => ({ body: new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(MIB).fill(32)) }) })],
  ])("is answered 413 when it takes more than 32 MiB, seen %s", async (_, make) => {
    const { calls, send } = endpoint(value(1));
    const { body, headers } = make();
    const { status, frames } = await send(body, headers);
    expect(status).toBe(413);
    expect(errorIn(frames[0])).toBeInstanceOf(SerializationError);
    expect(calls).toEqual([]);
  });
});

describe("what a call from outside says about itself", () => {
  const FORGED = {
    hops: -50,
    chain: ["forged/chain"],
    routePrefix: "/forged",
    deadline: 1,
    requestId: "forged",
    constructor: "forged",
  };

  it("is its key, its model, its trace and its deadline, and nothing of the framework's own", async () => {
    const { calls, send } = endpoint(value(1));
    const said = { key: "k", multiplexedModelId: "m", traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" };
    await send(call({ options: { ...FORGED, ...said }, requestId: "mine.1" }));
    expect(calls.map(({ meta }) => meta)).toEqual([{ requestId: "mine.1", chain: ["open/Model"], hops: 1, ...said }]);
  });

  it.each(["", "a\nb", "a b", "é", "x".repeat(129), { toString: 1 }, 7, null, ["a"]])("is not the request id %j", async (requestId) => {
    const { calls, send } = endpoint(value(1));
    expect((await send(call({ requestId }))).status).toBe(200);
    expect(calls[0]?.meta.requestId).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe("the deadline of a call from outside", () => {
  // The deployment's, the caller's, and what holds.
  it.each<[number | null, number | undefined, number]>([
    [1000, undefined, 1000],
    [null, 1000, 1000],
    [1000, 5000, 1000],
    [5000, 1000, 1000],
  ])("of a deployment with %j and a caller with %j is %j", async (requestTimeoutMs, timeoutMs, expected) => {
    vi.useFakeTimers({ now: 0 });
    const { calls, stopped, send } = endpoint(never, requestTimeoutMs);
    const answered = send(call({ options: { timeoutMs } }));
    await vi.waitFor(() => expect(calls).toHaveLength(1));
    expect(calls[0]?.meta.deadline).toBeGreaterThanOrEqual(expected);
    await vi.advanceTimersByTimeAsync(expected);
    const { status, frames } = await answered;
    expect([status, errorIn(frames[0])]).toEqual([200, expect.any(RequestTimeoutError)]);
    expect(stopped).toEqual([expect.any(RequestTimeoutError)]);
  });

  it("ends a broadcast", async () => {
    vi.useFakeTimers();
    const { calls, send } = endpoint(never, 1000);
    const answered = send(call({ broadcast: true }));
    await vi.waitFor(() => expect(calls).toHaveLength(1));
    await vi.advanceTimersByTimeAsync(1000);
    expect(errorIn((await answered).frames[0])).toBeInstanceOf(RequestTimeoutError);
  });

  it("ends a stream after the items before it, and stops the generator", async () => {
    vi.useFakeTimers();
    const stream = streamOf({ items: [1, 2], done: false });
    const { calls, send } = endpoint(stream.answer, 1000);
    const answered = send(call());
    await vi.waitFor(() => expect(calls).toHaveLength(1));
    await vi.advanceTimersByTimeAsync(1000);
    const [begin, items, end] = (await answered).frames;
    expect([begin, items]).toEqual([{ kind: "stream" }, { kind: "items", items: [1, 2], done: false }]);
    expect(end).toMatchObject({ kind: "items", items: [], done: true });
    expect(errorIn(end)).toBeInstanceOf(RequestTimeoutError);
    expect(stream.cancels()).toBe(1);
  });

  it("leaves no timer behind when the call is over before it", async () => {
    vi.useFakeTimers();
    const replies: (() => Answer)[] = [value(1), streamOf({ items: [1], done: true }).answer];
    for (const reply of replies) await endpoint(reply, 1000).send(call());
    expect(vi.getTimerCount()).toBe(0);
  });

  it("is no part of a stream that breaks: its reason comes after the items", async () => {
    const batches: (() => Promise<ItemBatch>)[] = [
      async () => ({ items: [1], done: false }),
      () => Promise.reject(new RangeError("broken")),
    ];
    const items = { pull: () => batches.shift()!(), cancel: () => {} };
    const { frames } = await endpoint(() => ({ kind: "stream", items })).send(call());
    expect(frames.slice(0, 2)).toEqual([{ kind: "stream" }, { kind: "items", items: [1], done: false }]);
    expect(errorIn(frames[2])).toMatchObject({ name: "RangeError", message: "broken" });
  });
});

describe("an answer that cannot be written", () => {
  const unwritable = () => ({ a: [new WritableStream()] });

  it("is an error that names the value, and the connection's answer is whole", async () => {
    const { status, frames } = await endpoint(value(unwritable())).send(call({ method: "embed" }));
    expect([status, frames.length]).toEqual([200, 1]);
    expect(errorIn(frames[0])).toMatchObject({
      code: "SERIALIZATION",
      message: expect.stringContaining('The result of "Model.embed", at .a[0], cannot be sent'),
    });
  });

  it("is an error for the replica that gave it, in a broadcast", async () => {
    const { frames } = await endpoint(value(unwritable())).send(call({ broadcast: true }));
    expect(frames).toMatchObject([{ kind: "broadcast", replies: [{ kind: "error" }] }]);
  });

  it("ends a stream after the items before it, and stops the generator", async () => {
    const stream = streamOf({ items: [1, new Blob(["b"]), unwritable(), 4], done: false });
    const { frames } = await endpoint(stream.answer).send(call());
    expect(frames[1]).toMatchObject({ kind: "items", items: [1, expect.any(Blob)], done: true });
    expect(errorIn(frames[1])).toMatchObject({ message: expect.stringContaining('An item of "Model.call", at .a[0],') });
    expect(stream.cancels()).toBe(1);
  });

  it("is not one that has a Blob or a body inside: these are read", async () => {
    const { frames } = await endpoint(value({ blob: new Blob(["abc"]), response: new Response("body") })).send(call());
    const { blob, response } = (frames[0] as unknown as { value: { blob: Blob; response: Response } }).value;
    expect([await blob.text(), await response.text()]).toEqual(["abc", "body"]);
  });
});

it("sends a call with a body once, as a handle does, and any other as often as it takes", async () => {
  const { send, calls } = endpoint(value(1));
  const call = (args: readonly unknown[]) => encodeWhole({ method: "take", args, options: {} });
  await send(await call([new Response("body").body]));
  await send(await call([new Request("http://host/", { method: "POST", body: "body" })]));
  await send(await call([{ a: 1 }]));
  expect(calls.map(({ isOnce }) => isOnce)).toEqual([true, true, undefined]);
});
