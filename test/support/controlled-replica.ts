import type { DeploymentOptions } from "../../src/api/options.ts";
import { getRequestContext } from "../../src/context/scope.ts";
import type { Reply } from "../../src/protocol/messages.ts";
import { compiledOf, REPLICA, ScriptedControl } from "./assignments.ts";
import { callOf, delivered, replicaOf, valueOf } from "./model-replica.ts";

/** A controlled replica whose calls run until they are let go. */
export function controlled(options: DeploymentOptions = {}, control = new ScriptedControl()) {
  const world = {
    control,
    disposed: 0,
    made: 0,
    aborted: [] as unknown[],
    terminated: [] as string[],
    released: 0,
    ends: new Map<string, () => void>(),
  };
  class Model {
    config: unknown = "none";
    constructor() {
      world.made++;
    }
    reconfigure(config: unknown) {
      if (config === "bad") throw new Error("a bad configuration");
      this.config = config;
    }
    checkHealth() {
      if (this.config === "ill") throw new Error("ill");
    }
    call() {
      return this.config;
    }
    hold(name: string, heedsAbort = true) {
      return new Promise((resolve) => {
        world.ends.set(name, () => resolve(name));
        getRequestContext().signal.addEventListener("abort", ({ target }) => {
          world.aborted.push((target as AbortSignal).reason);
          if (heedsAbort) resolve("aborted");
        });
      });
    }
    async [Symbol.asyncDispose]() {
      world.disposed++;
    }
  }
  const compiled = compiledOf(options);
  const replica = replicaOf(Model, {
    limits: compiled.config,
    control: {
      control,
      deployment: "Model",
      replica: REPLICA,
      version: "v1",
      compiled,
      terminate: (reason) => void world.terminated.push(reason),
      release: async () => void world.released++,
    },
  });
  const call = async () => valueOf(await replica.call(callOf()));
  const hold = (name: string, ...rest: unknown[]): Promise<Reply> =>
    replica.call(delivered({ id: name, mode: "queue" }, "hold", name, ...rest));
  return { world, replica, call, hold };
}
