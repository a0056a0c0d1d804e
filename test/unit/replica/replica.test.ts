import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { getReplicaContext, getRequestContext } from "../../../src/context/scope.ts";
import { DeploymentUnavailableError, MethodNotFoundError, SerializationError } from "../../../src/protocol/errors.ts";
import type { Replica } from "../../../src/replica/replica.ts";
import { turnOfTheEventLoop } from "../../support/event-loop.ts";
import { answerOf, callOf, replicaOf, valueOf } from "../../support/model-replica.ts";
import { requestMeta } from "../../support/scope.ts";

const call = async (replica: Replica, method?: string, ...args: unknown[]) => valueOf(await replica.call(callOf(method, ...args)));
const get = answerOf;

beforeEach(() => {
  for (const method of ["log", "warn", "error"] as const) vi.spyOn(console, method).mockImplementation(() => {});
});

afterEach(() => {
  vi.restoreAllMocks();
});

describe("a replica that starts", () => {
  it("[R1] constructs, sets up and configures its instance before the first request, in this order", async () => {
    const steps: string[] = [];
    class Model {
      constructor(name: string) {
        steps.push(`constructor ${name}`);
      }
      async setup() {
        await Promise.resolve();
        steps.push("setup");
      }
      async reconfigure(config: unknown) {
        await Promise.resolve();
        steps.push(`reconfigure ${JSON.stringify(config)}`);
      }
      call() {
        steps.push("call");
      }
    }
    await call(replicaOf(Model, { bindArgs: () => ["large"], userConfig: { k: 1 } }));
    expect(steps).toEqual(["constructor large", "setup", 'reconfigure {"k":1}', "call"]);
  });

  it("[R1] does so once for requests that arrive together, by call or over HTTP", async () => {
    const ready = Promise.withResolvers<void>();
    let made = 0;
    class Model {
      constructor() {
        made++;
      }
      setup() {
        return ready.promise;
      }
      call() {
        return "ok";
      }
    }
    const replica = replicaOf(Model);
    const answers = [call(replica), call(replica), get(replica).then((response) => response.text())];
    ready.resolve();
    expect(await Promise.all(answers)).toEqual(["ok", "ok", "ok"]);
    expect(made).toBe(1);
  });

  it("is not reconfigured without a userConfig", async () => {
    class Model {
      reconfigure() {
        throw new Error("There is nothing to configure.");
      }
      call() {
        return "ok";
      }
    }
    expect(await call(replicaOf(Model))).toBe("ok");
  });

  it("has a replica's context and no request's", async () => {
    class Model {
      readonly deployment = getReplicaContext().deployment;
      hadRequest = true;
      setup() {
        expect(() => getRequestContext()).toThrow("getRequestContext() works only while a request is handled");
        this.hadRequest = false;
      }
      call() {
        return [this.deployment, this.hadRequest, getRequestContext().requestId];
      }
    }
    expect(await call(replicaOf(Model))).toEqual(["Model", false, "r1"]);
  });
});

describe("a replica that cannot start", () => {
  const steps = ["its constructor", "setup()", "reconfigure()"] as const;

  function failingAt(step: (typeof steps)[number], failures: number): Function {
    let left = failures;
    const failAt = (here: string) => {
      if (here === step && left-- > 0) throw new TypeError("no weights");
    };
    return class Model {
      constructor() {
        failAt("its constructor");
      }
      setup() {
        failAt("setup()");
      }
      async reconfigure() {
        failAt("reconfigure()");
      }
      call() {
        return "ok";
      }
    };
  }

  it.each(steps)("[R2] says that %s threw, and tries again at the next request", async (step) => {
    const replica = replicaOf(failingAt(step, 2), { userConfig: {} });
    for (let attempt = 0; attempt < 2; attempt++) {
      const failure: unknown = await call(replica).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(DeploymentUnavailableError);
      expect(failure).toMatchObject({
        message: `Deployment "Model" of application "news" cannot start: ${step} threw TypeError: no weights`,
        cause: expect.any(TypeError),
      });
    }
    expect(await call(replica)).toBe("ok");
  });

  it("[R2] fails requests that wait for the same start together, with one attempt", async () => {
    const replica = replicaOf(failingAt("setup()", 1));
    const together = await Promise.allSettled([call(replica), call(replica), call(replica)]);
    expect(together.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
    expect(await call(replica)).toBe("ok");
  });

  it("[R5] refuses an HTTP request and says why, because it has not begun", async () => {
    const refusal = await replicaOf(failingAt("setup()", 1)).fetch(new Request("http://host/"), requestMeta());
    expect(refusal).toMatchObject({ kind: "refused", failedStart: { code: "DEPLOYMENT_UNAVAILABLE" } });
  });
});

describe("a call", () => {
  class Model {
    readonly factor = 2;
    call(n: number) {
      return n * this.factor;
    }
    bad() {
      return { score: () => 1 };
    }
    throws() {
      throw Object.assign(new RangeError("too large"), { limit: 3 });
    }
    *count(to: number) {
      for (let n = 0; n < to; n++) yield n;
    }
  }
  const replica = replicaOf(Model);

  it("runs the method on the instance", async () => {
    expect(await call(replica, undefined, 4)).toBe(8);
    expect(await call(replica, "call", 4)).toBe(8);
  });

  it("[R3] answers with what the method threw", async () => {
    const error: unknown = await call(replica, "throws").catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RangeError);
    expect(error).toMatchObject({ message: "too large", limit: 3 });
  });

  it("[R3] answers with a refusal of an unknown method or of a result that cannot cross", async () => {
    await expect(call(replica, "nope")).rejects.toThrow(MethodNotFoundError);
    await expect(call(replica, "bad")).rejects.toThrow(SerializationError);
    await expect(call(replica, "bad")).rejects.toThrow('The result of "Model.bad" holds the function score at .score');
  });

  it("streams what a generator gives", async () => {
    const reply = await replica.call(callOf("count", 3));
    if (reply.kind !== "stream") throw new Error(`The reply is a ${reply.kind}.`);
    await turnOfTheEventLoop();
    expect(await reply.items.pull()).toEqual({ items: [0, 1, 2], done: true });
  });

  it("gets handles for the arguments that stand for one", async () => {
    const echo = replicaOf((...args: unknown[]) => args, { receiveHandle: (ref) => `handle of ${String(ref)}` });
    const reply = await echo.call({ ...callOf(undefined, "a", "b"), handleArgs: [1] });
    expect(valueOf(reply)).toEqual(["a", "handle of b"]);
  });

  it("runs a function without an instance", async () => {
    expect(
      await call(
        replicaOf(async (text: string) => text.toUpperCase()),
        undefined,
        "a",
      ),
    ).toBe("A");
  });
});

describe("an HTTP request", () => {
  it("goes to fetch, and to call if there is none", async () => {
    class Both {
      fetch() {
        return "fetch";
      }
      call() {
        return "call";
      }
    }
    class Calls {
      call(request: Request) {
        return new URL(request.url).pathname;
      }
    }
    expect(await (await get(replicaOf(Both))).text()).toBe("fetch");
    expect(await (await get(replicaOf(Calls), "/a/b")).text()).toBe("/a/b");
    expect(await (await get(replicaOf((request: Request) => request.method))).text()).toBe("GET");
  });

  it("carries its id on the answer, an immutable one too", async () => {
    const immutable = Response.redirect("http://host/other", 302);
    expect((await get(replicaOf(() => "ok"))).headers.get("x-request-id")).toBe("r1");
    const response = await get(replicaOf(() => immutable));
    expect([response.status, response.headers.get("location"), response.headers.get("x-request-id")]).toEqual([
      302,
      "http://host/other",
      "r1",
    ]);
  });

  it("is answered 500 without a word when the handler throws, and the log has it all", async () => {
    const response = await get(
      replicaOf(() => {
        throw new Error("password is 1234", { cause: new Error("root") });
      }),
    );
    expect([response.status, await response.text()]).toEqual([500, "Internal Server Error"]);
    const line = JSON.parse(String(vi.mocked(console.error).mock.calls[0]?.[0])) as Record<string, string>;
    expect(line).toMatchObject({ level: "ERROR", message: "password is 1234", app: "news", deployment: "Model", requestId: "r1" });
    expect(line["error"]).toContain("Caused by: Error: root");
  });

  it("is answered with what the handler threw on purpose, and nothing is logged", async () => {
    const teapot = await get(
      replicaOf(() => {
        throw new Response("teapot", { status: 418 });
      }),
    );
    const missing = await get(
      replicaOf(() => {
        throw Object.assign(new Error("no such page"), { status: 404 });
      }),
    );
    expect([teapot.status, await teapot.text(), missing.status, await missing.text()]).toEqual([418, "teapot", 404, "no such page"]);
    expect(console.error).not.toHaveBeenCalled();
  });

  it("whose body is no JSON is the client's mistake", async () => {
    const replica = replicaOf(async (request: Request) => request.json());
    const response = await get(replica, "/a", { method: "POST", body: "{" });
    expect(response.status).toBe(400);
    expect(await response.text()).toMatch(/^The body of POST \/a is not JSON: /);
  });

  it("is answered 500 by a class that has no handler", async () => {
    class Counter {
      count() {}
    }
    expect((await get(replicaOf(Counter))).status).toBe(500);
    expect(JSON.stringify(vi.mocked(console.error).mock.calls)).toContain("its class has neither fetch(request) nor call(request)");
  });
});
