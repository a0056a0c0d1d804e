import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DeploymentHandle } from "edge-serve";
import { ConfigError, MethodNotFoundError, SerializationError } from "edge-serve";
import { serve, type Server } from "edge-serve/testing";
import type { app, Top } from "./apps/handles.ts";
import { isInlineSuite, suiteTarget } from "../support/suite-target.ts";

let server: Server;
let top: DeploymentHandle<Top>;

/** What is about several replicas, and about the limits of messages between objects. */
const ofReplicas = it.skipIf(isInlineSuite());

beforeAll(async () => {
  server = await serve(suiteTarget("handles", "test/e2e/apps/handles.ts:app"), { quiet: true });
  top = server.handle<typeof app>();
});
afterAll(() => server.stop());

const rejection = (response: PromiseLike<unknown>): Promise<Error> =>
  Promise.resolve(response).then(
    (value) => Promise.reject(new Error(`Resolved with ${JSON.stringify(value)}.`)),
    (error: Error) => error,
  );

describe("values", () => {
  it.each([
    ["a Map", new Map([["a", 1]])],
    ["a Set", new Set([1, 2])],
    ["a Date", new Date(5)],
    ["a RegExp", /x/g],
    ["a bigint", 12n],
    ["undefined", undefined],
    ["nested data", { a: [null, { b: [1.5, "x"] }] }],
    ["bytes", new Uint8Array([1, 2])],
  ])("carries %s there and back", async (_, value) => {
    expect(await top.remote("call", value)).toEqual(value);
  });

  it("carries several kinds of argument at once", async () => {
    expect(await top.remote("kinds", new Map([["day", new Date(9)]]), new Uint8Array([1, 2, 3]), new RangeError("far"))).toMatchObject({
      isMap: true,
      day: new Date(9),
      sum: 6,
      message: "far",
      error: expect.any(RangeError),
    });
  });

  it("carries a Request and a Response with their bodies", async () => {
    const request = new Request("http://example.test/x", { method: "PUT", body: "the body" });
    const response = (await top.remote("readRequest", request)) as Response;
    expect([response.status, response.headers.get("x-leaf"), await response.text()]).toEqual([202, "1", "PUT the body"]);
  });

  it("carries a stream of bytes", async () => {
    expect(await top.remote("length", new Blob(["x".repeat(100_000)]).stream())).toBe(100_000);
  });

  it("gives records with a null prototype an ordinary one", async () => {
    expect(await top.remote("grouped")).toEqual({ odd: [1, 3], even: [2] });
  });

  it("passes a response on, not awaited", async () => {
    expect(await top.chained.remote()).toEqual({ n: 1 });
  });

  it("gives handles inside arrays and objects", async () => {
    expect(await top.nestedHandles.remote()).toEqual({ label: "both", replies: ["yes", "yes"] });
  });

  ofReplicas("passes a handle as an argument", async () => {
    expect(await top.passHandle.remote()).toMatch(/^default\/Leaf\/-\/\d\.0$/);
  });
});

describe("what cannot cross", () => {
  it.each([
    ["function", 'The result of "Leaf.unsendable" holds the function callback at .deep[0].callback'],
    ["class", 'The result of "Leaf.unsendable" is an instance of Leaf'],
    ["url", 'The result of "Leaf.unsendable" is a URL'],
  ])("a result with a %s is refused by name and path", async (kind, message) => {
    const error = await rejection(top.remote("unsendable", kind));
    expect(error).toBeInstanceOf(SerializationError);
    expect(error.message).toContain(message);
  });

  it("an argument with a function is refused by position and path", async () => {
    const error = await rejection(top.sendFunction.remote());
    expect(error).toBeInstanceOf(SerializationError);
    expect(error.message).toContain('Argument 1 of "Leaf.kinds" holds the function f at .get("a").f');
  });

  it("a response inside an argument is refused, and the error says what to do", async () => {
    const error = await rejection(top.nestedResponse.remote());
    expect(error).toBeInstanceOf(SerializationError);
    expect(error.message).toMatch(/holds a DeploymentResponse at \.list\[0\].*argument of its own, or await it/);
  });

  ofReplicas("a result of more than 32 MiB is refused with the limit", async () => {
    const error = await rejection(top.remote("big", 33 * 1024 * 1024));
    expect(error).toBeInstanceOf(SerializationError);
    expect(error.message).toContain("32 MiB");
  });
});

describe("errors", () => {
  it("arrive over two hops with class, name, properties, cause and both stacks", async () => {
    const error = (await rejection(top.fail.remote("custom"))) as Error & { limit: number };
    expect(error).toBeInstanceOf(RangeError);
    expect([error.name, error.message, error.limit, "unsendable" in error]).toEqual(["QuotaError", "too much", 7, false]);
    expect(error.cause).toBeInstanceOf(TypeError);
    expect(error.stack).toMatch(/^QuotaError: too much\n[^]*handles\.test\.ts[^]*in the replica:[^]*at /);
  });

  it("are built-in classes for the code between", async () => {
    expect(await top.rethrowSeen.remote("custom")).toBe("true QuotaError 7");
  });

  it.each([
    ["plain", TypeError, "plain"],
    ["aggregate", AggregateError, "both"],
    ["dom", DOMException, "gone"],
  ])("of kind %s keep their class", async (kind, type, message) => {
    const error = await rejection(top.fail.remote(kind));
    expect(error).toBeInstanceOf(type);
    expect(error.message).toBe(message);
  });

  it("may be values that are no errors", async () => {
    expect(await rejection(top.fail.remote("string"))).toBe("just a string");
  });

  it("are logged once, where they were thrown", async () => {
    await rejection(top.fail.remote("plain"));
    await server.waitForLog(({ level, message }) => level === "ERROR" && message === "plain");
    const lines = server.logs().filter(({ level, message }) => level === "ERROR" && message === "plain");
    expect(new Set(lines.map(({ fields }) => fields["deployment"]))).toEqual(new Set(["Leaf"]));
  });
});

describe("methods", () => {
  it("may be fields that are functions", async () => {
    expect(await top.remote("batchLike", "abc")).toBe("ABC");
  });

  it.each(["nope", "_hidden", "setup", "reconfigure", "constructor", "toString", "hasOwnProperty", "__proto__"])(
    "refuses %s and lists those there are",
    async (name) => {
      const error = await rejection(top.remote(name));
      expect(error).toBeInstanceOf(MethodNotFoundError);
      expect(error.message).toContain(`ethod ${JSON.stringify(name)} on deployment "Leaf"`);
      expect(error.message).toContain(" It has: ");
      expect(error.message).toContain("batchLike");
      expect(error.message).not.toMatch(/It has:.*(_hidden|setup|constructor)/);
    },
  );

  it("run after constructor, setup and reconfigure, in that order", async () => {
    expect(await top.remote("history")).toEqual({ steps: ["constructed", "set up", "configured"], config: { threshold: 0.5 } });
  });
});

describe("generators", () => {
  it("stream through two deployments, in order", async () => {
    const items: number[] = [];
    for await (const n of top.relay.remote(1000)) items.push(n);
    expect(items).toEqual(Array.from({ length: 1000 }, (_, n) => n * 2 + 1));
  });

  it("may be empty", async () => {
    for await (const _ of top.relay.remote(0)) expect.unreachable();
  });

  it("stop in the replica when the loop is left early", async () => {
    expect(await top.leaveEarly.remote()).toBe(5);
    await expect
      .poll(async () => (await Promise.all(Array.from({ length: 12 }, () => top.remote("calls")))).flat())
      .toContain("forever ended");
  });

  it("give the error after the items before it", async () => {
    const seen: number[] = [];
    const error = await rejection(
      (async () => {
        for await (const n of top.relayFailing.remote(3)) seen.push(n);
      })(),
    );
    expect(error).toBeInstanceOf(RangeError);
    expect(error).toMatchObject({ name: "QuotaError", message: "stream ended", limit: 3 });
    expect(seen).toEqual([0, 1, 2]);
  });
});

describe("context", () => {
  it("has one request id down the tree", async () => {
    expect(new Set(await top.requestIds.remote()).size).toBe(1);
  });

  it("finds deployments and applications by name", async () => {
    expect(await top.byName.remote()).toEqual(["by name", "by app"]);
  });

  it("names those there are when a name is unknown", async () => {
    const error = await rejection(top.byUnknownName.remote());
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.message).toContain('There is no deployment "Lief" in application "default". Available: Leaf, Middle, Top.');
  });

  it("lets calls nest 12 deep, and shows the chain of the 13th", async () => {
    expect(await top.deeper.remote(11)).toBe(11);
    const error = await rejection(top.deeper.remote(12));
    expect(error.message).toContain("at most 12 deep, and this one would be number 13: default/Top -> default/Top");
  });
});

describe("waiting", () => {
  it("ends at timeoutMs of the handle", async () => {
    expect(await top.timeOut.remote()).toBe("RequestTimeoutError");
  });

  it("result({ timeoutMs }) gives up without stopping the call", async () => {
    expect(await top.impatient.remote()).toEqual(["RequestTimeoutError", "slow"]);
  });

  ofReplicas("broadcast reaches every replica", async () => {
    expect(await top.everyLeaf.remote()).toEqual(
      [0, 1, 2].map((ordinal) => ({ status: "fulfilled", value: `default/Leaf/-/${ordinal}.0` })),
    );
  });
});
