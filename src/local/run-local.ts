/**
 * `runLocal`: an application in this process, for unit tests and debuggers.
 *
 * The same cores as in a Worker, wired without one: handles, routers and replicas are the real ones, and what
 * passes between them is cloned as it would be on the way to another object.
 */
import { Application, deploymentsOf } from "../api/application.ts";
import { writeLog } from "../context/logger.ts";
import { currentScope } from "../context/scope.ts";
import { after, sleep } from "../context/with-timeout.ts";
import { setTasks } from "../handle/get-task.ts";
import { createHandle } from "../handle/handle.ts";
import { ConfigError } from "../protocol/errors.ts";
import type { DeploymentHandle } from "../protocol/handle-types.ts";
import { connectionTo } from "../inline/connection.ts";
import { Host } from "../inline/host.ts";
import { makeInstance } from "../inline/instance.ts";
import { InlineTarget } from "../inline/target.ts";
import type { HandleRef } from "../protocol/messages.ts";
import { parseReplicaId } from "../protocol/names.ts";
import type { Replica } from "../replica/replica.ts";
import { initialReplicaSet } from "../protocol/replica-set.ts";
import { customPolicyOf } from "../router/policies/custom.ts";
import { Router } from "../router/router.ts";
import { refuseGenerator } from "../tasks/refuse-generator.ts";
import { localTasks } from "./local-tasks.ts";

/** Options of `runLocal()`. */
export interface RunLocalOptions {
  /** The application's name in contexts and logs. @default "default" */
  readonly name?: string;
  /** Bindings that `getReplicaContext().env` holds, in place of the Worker's. */
  readonly env?: Readonly<Record<string, unknown>>;
}

/**
 * Runs an application in this process and returns the handle of its ingress deployment.
 *
 * @throws ConfigError if the application's graph has a name twice, or a cycle.
 * @example
 * expect(await runLocal(app).remote()).toBe("Hello world!");
 */
export function runLocal<T>(app: Application<T>, options: RunLocalOptions = {}): DeploymentHandle<T> {
  if (!(app instanceof Application)) throw new ConfigError("runLocal() takes an application: what deployment(...).bind(...) returns.");
  const name = options.name ?? "default";
  const deployments = new Map(deploymentsOf(app, name).map((bound) => [bound.name, bound]));
  const routers = new Map<string, Router>();
  const replicas = new Map<string, Replica>();
  const hasTasks = [...deployments.values()].some(({ deployment }) => deployment.resolve().tasks !== undefined);
  const tasks = hasTasks
    ? localTasks({
        app: name,
        routerTo: (deployment) => (deployments.has(deployment) ? routerTo(deployment) : undefined),
        replicaOf: (replica, deployment) => replicaOf(replica, deployments.get(deployment)!),
        check: (call) => refuseGenerator(deployments.get(call.deployment)!.deployment, call),
      })
    : undefined;
  if (tasks !== undefined) setTasks(tasks);
  const inline = new Map<string, InlineTarget>();
  const outside = new Host({ replicaId: "", env: options.env ?? {}, after });
  return createHandle<T>(targetTo(app.name), currentScope);

  function boundTo(deployment: string): Application {
    const bound = deployments.get(deployment);
    if (bound !== undefined) return bound;
    throw new ConfigError(`There is no deployment ${JSON.stringify(deployment)}. Available: ${[...deployments.keys()].join(", ")}.`);
  }

  function targetTo(deployment: string): Router | InlineTarget {
    const bound = boundTo(deployment);
    const config = bound.deployment.resolve();
    if (config.inline !== true) return routerTo(deployment);
    let target = inline.get(deployment);
    if (target === undefined) {
      const quiet = { ...config, logging: { ...config.logging, accessLog: false } };
      const ports = { version: "local", worker: outside, now: Date.now, handleTo, receiveHandle, tasks: () => tasks };
      inline.set(deployment, (target = new InlineTarget({ app: name, bound, config: quiet, routePrefix: null }, ports)));
    }
    return target;
  }

  function routerTo(deployment: string): Router {
    const bound = boundTo(deployment);
    let router = routers.get(deployment);
    if (router === undefined) {
      router = new Router({ app: name, deployment }, initialReplicaSet(name, deployment, bound.deployment.resolve(), null), {
        ...customPolicyOf(bound, (message) => writeLog("WARNING", message, undefined, currentScope())),
        tasks,
        now: Date.now,
        sleep,
        random: Math.random,
        connect: (replica) => connectionTo(replicaOf(replica.name, bound)),
      });
      routers.set(deployment, router);
    }
    return router;
  }

  function replicaOf(replicaId: string, bound: Application): Replica {
    let replica = replicas.get(replicaId);
    if (replica === undefined) replicas.set(replicaId, (replica = makeReplica(replicaId, bound)));
    return replica;
  }

  function makeReplica(replicaId: string, bound: Application): Replica {
    const config = bound.deployment.resolve();
    return makeInstance({
      bound,
      context: {
        appName: name,
        replicaId,
        ordinal: parseReplicaId(replicaId)?.ordinal ?? 0,
        version: "local",
        env: (options.env ?? {}) as Cloudflare.Env,
      },
      noState: "A replica in runLocal() has no Durable Object, so getReplicaContext().state does not exist. Test it with serve().",
      logging: { ...config.logging, accessLog: false },
      limits: config,
      userConfig: () => config.userConfig,
      after,
      now: Date.now,
      handleTo,
      receiveHandle,
      tasks: () => tasks,
    }).replica;
  }

  function handleTo(toApp: string, deployment = app.name): DeploymentHandle<unknown> {
    if (toApp === name) return createHandle(targetTo(deployment), currentScope);
    throw new ConfigError(`There is no application ${JSON.stringify(toApp)}. runLocal() runs one application: ${JSON.stringify(name)}.`);
  }

  function receiveHandle(ref: unknown): unknown {
    const { deployment, options: given } = ref as HandleRef;
    return createHandle(targetTo(deployment), currentScope, given);
  }
}
