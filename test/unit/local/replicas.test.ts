import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import * as serve from "../../../src/index.ts";
import { runLocal } from "../../../src/local/run-local.ts";
import { turnOfTheEventLoop } from "../../support/event-loop.ts";
import { rejectionOf } from "../../support/rejection.ts";

class Hello {
  call() {
    return "Hello";
  }
}

// Without logs of the errors that these tests provoke.
beforeEach(() => {
  for (const method of ["warn", "error"] as const) vi.spyOn(console, method).mockImplementation(() => {});
});

afterEach(() => {
  vi.restoreAllMocks();
});

describe("replicas in runLocal", () => {
  it("are as many as the deployment says, and broadcast reaches each", async () => {
    class Counter {
      count = 0;
      call() {
        return serve.getReplicaContext().replicaId;
      }
      add(by: number) {
        return (this.count += by);
      }
    }
    const handle = runLocal(serve.deployment(Counter, { numReplicas: 3 }).bind(), { name: "news" });
    expect(await handle.broadcast()).toEqual([0, 1, 2].map((ordinal) => ({ status: "fulfilled", value: `news/Counter/-/${ordinal}.0` })));
    await handle.add.broadcast(1);
    expect(await handle.add.broadcast(2)).toEqual([0, 1, 2].map(() => ({ status: "fulfilled", value: 3 })));
  });

  it("are set up and configured before their first request", async () => {
    class Model {
      readonly steps: unknown[] = [];
      async setup() {
        await turnOfTheEventLoop();
        this.steps.push("setup");
      }
      reconfigure(config: { readonly k: number }) {
        this.steps.push(config);
      }
      call() {
        return this.steps;
      }
    }
    expect(await runLocal(serve.deployment(Model, { userConfig: { k: 1 } }).bind()).remote()).toEqual(["setup", { k: 1 }]);
  });

  it("know their context, which has no Durable Object", async () => {
    class Model {
      call() {
        const { appName, deployment, replicaId, ordinal, version, env } = serve.getReplicaContext<{ KEY: string }>();
        return { appName, deployment, replicaId, ordinal, version, key: env.KEY };
      }
      state() {
        return serve.getReplicaContext().state;
      }
    }
    const handle = runLocal(serve.deployment(Model).bind(), { name: "news", env: { KEY: "v" } });
    expect(await handle.remote()).toEqual({
      appName: "news",
      deployment: "Model",
      replicaId: "news/Model/-/0.0",
      ordinal: 0,
      version: "local",
      key: "v",
    });
    expect(await rejectionOf(handle.state.remote())).toMatchObject({ message: expect.stringContaining("has no Durable Object") });
  });

  it("find other deployments by name, in this application only", async () => {
    class Finder {
      constructor(readonly hello: serve.DeploymentHandle<Hello>) {}
      async call(name: string, app?: string): Promise<string> {
        return serve.getDeploymentHandle<Hello>(name, app).remote();
      }
      async root(app: string) {
        return serve.getAppHandle<Finder>(app).remote("Hello");
      }
    }
    const handle = runLocal(serve.deployment(Finder).bind(serve.deployment(Hello).bind()), { name: "news" });
    expect([await handle.remote("Hello"), await handle.remote("Hello", "news"), await handle.root.remote("news")]).toEqual([
      "Hello",
      "Hello",
      "Hello",
    ]);
    expect(await rejectionOf(handle.remote("Nope"))).toMatchObject({
      code: "CONFIG",
      message: expect.stringContaining('There is no deployment "Nope"'),
    });
    expect(await rejectionOf(handle.remote("Hello", "other"))).toMatchObject({
      code: "CONFIG",
      message: expect.stringContaining('There is no application "other"'),
    });
    expect(await rejectionOf(handle.root.remote("other"))).toMatchObject({ code: "CONFIG" });
  });

  it("share one request id down the tree", async () => {
    class Inner {
      call() {
        return serve.getRequestContext().requestId;
      }
    }
    class Outer {
      constructor(readonly inner: serve.DeploymentHandle<Inner>) {}
      async call() {
        return [serve.getRequestContext().requestId, await this.inner.remote()];
      }
    }
    const handle = runLocal(serve.deployment(Outer).bind(serve.deployment(Inner).bind()));
    const [outer, inner] = await handle.remote();
    expect(outer).toBe(inner);
    expect((await handle.remote())[0]).not.toBe(outer);
  });
});
