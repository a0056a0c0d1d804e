/**
 * `runLocal`: an application in this process, for unit tests and debuggers.
 *
 * The same cores as in a Worker, wired without one: handles, routers and replicas are the real ones, and what
 * passes between them is cloned as it would be on the way to another object.
 */
import { type AnyApplication, Application, deploymentsOf, type HandleTo } from "../api/application.ts";
import { writeLog } from "../context/logger.ts";
import { currentScope } from "../context/scope.ts";
import { after, sleep } from "../context/with-timeout.ts";
import { setTasks } from "../handle/get-task.ts";
import { createHandle } from "../handle/handle.ts";
import { ConfigError } from "../protocol/errors.ts";
import { createKeyedHandle } from "../handle/keyed-handle.ts";
import type { AnyHandle } from "../protocol/handle-types.ts";
import { connectionTo } from "../inline/connection.ts";
import { Host } from "../inline/host.ts";
import { makeInstance } from "../inline/instance.ts";
import { InlineTarget } from "../inline/target.ts";
import { keyOfObject, OBJECT_DELETED } from "../protocol/keys.ts";
import type { DeploymentConfig } from "../protocol/manifest.ts";
import type { HandleRef } from "../protocol/messages.ts";
import { parseReplicaId } from "../protocol/names.ts";
import { KeyedControl, type RememberedKeyed } from "../replica/keyed-control.ts";
import type { MakeKeyedControl } from "../replica/replica-ports.ts";
import type { Replica } from "../replica/replica.ts";
import { initialReplicaSet } from "../protocol/replica-set.ts";
import { customPolicyOf } from "../router/policies/custom.ts";
import { KeyedRouter, type ObjectConnection } from "../router/keyed-router.ts";
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
export function runLocal<T, K extends boolean>(app: Application<T, K>, options: RunLocalOptions = {}): HandleTo<Application<T, K>> {
  if (!(app instanceof Application)) throw new ConfigError("runLocal() takes an application: what deployment(...).bind(...) returns.");
  const name = options.name ?? "default";
  const deployments = new Map(deploymentsOf(app, name).map((bound) => [bound.name, bound]));
  const routers = new Map<string, Router | KeyedRouter>();
  const replicas = new Map<string, Replica>();
  const ends = new WeakMap<Replica, PromiseWithResolvers<never>>();
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
  return handleTo(name) as HandleTo<Application<T, K>>;

  function handleTo(toApp: string, deployment = app.name): AnyHandle {
    if (toApp !== name)
      throw new ConfigError(`There is no application ${JSON.stringify(toApp)}. runLocal() runs one application: ${JSON.stringify(name)}.`);
    const target = targetTo(deployment);
    return target instanceof KeyedRouter ? createKeyedHandle<unknown>(target, currentScope) : createHandle<unknown>(target, currentScope);
  }

  function receiveHandle(ref: unknown): AnyHandle {
    const { deployment, options: given, isKeyed, objectKey } = ref as HandleRef;
    if (isKeyed === true) return handleTo(name, deployment);
    const target = targetTo(deployment);
    return createHandle<unknown>(target instanceof KeyedRouter ? target.at(objectKey ?? "") : target, currentScope, given);
  }

  function boundTo(deployment: string): AnyApplication {
    const bound = deployments.get(deployment);
    if (bound !== undefined) return bound;
    throw new ConfigError(`There is no deployment ${JSON.stringify(deployment)}. Available: ${[...deployments.keys()].join(", ")}.`);
  }

  function targetTo(deployment: string): Router | KeyedRouter | InlineTarget {
    const bound = boundTo(deployment);
    const config = bound.deployment.resolve();
    if (config.inline !== true) return routerTo(deployment);
    let target = inline.get(deployment);
    if (target === undefined) {
      const quiet = { ...config, logging: { ...config.logging, accessLog: false } };
      const ports = { version: VERSION, worker: outside, now: Date.now, handleTo, receiveHandle, tasks: () => tasks };
      inline.set(deployment, (target = new InlineTarget({ app: name, bound, config: quiet, routePrefix: null }, ports)));
    }
    return target;
  }

  function routerTo(deployment: string): Router | KeyedRouter {
    const bound = boundTo(deployment);
    let router = routers.get(deployment);
    if (router === undefined) routers.set(deployment, (router = makeRouter(deployment, bound)));
    return router;
  }

  function makeRouter(deployment: string, bound: AnyApplication): Router | KeyedRouter {
    const config = bound.deployment.resolve();
    const ports = { tasks, now: Date.now, sleep, random: Math.random };
    if (bound.deployment.isKeyed) {
      return new KeyedRouter(
        { app: name, deployment },
        { epoch: 0, version: VERSION, config, routePrefix: null },
        {
          ...ports,
          connect: (object) => objectAt(object.name, bound),
        },
      );
    }
    return new Router({ app: name, deployment }, initialReplicaSet(name, deployment, config, null), {
      ...customPolicyOf(bound, (message) => writeLog("WARNING", message, undefined, currentScope())),
      ...ports,
      connect: ({ name: replica }, learner) => connectionTo(replicaOf(replica, bound), (state) => learner.heard(replica, state)),
    });
  }

  function objectAt(object: string, bound: AnyApplication): ObjectConnection {
    const replica = replicaOf(object, bound);
    const end = (ends.get(replica) ?? ends.set(replica, Promise.withResolvers<never>()).get(replica))!;
    // Nobody waits for the end as such.
    end.promise.catch(() => {});
    const { call, fetch, ...connection } = connectionTo(replica);
    return {
      ...connection,
      call: (request, delivery) => Promise.race([call(request, delivery), end.promise]),
      fetch: (request, meta, delivery) => Promise.race([fetch(request, meta, delivery), end.promise]),
      async erase() {
        await replica.keyed?.delete();
        if (replicas.get(object) === replica) replicas.delete(object);
        end.reject(new Error(OBJECT_DELETED));
      },
    };
  }

  function replicaOf(replicaId: string, bound: AnyApplication): Replica {
    let replica = replicas.get(replicaId);
    if (replica === undefined) replicas.set(replicaId, (replica = makeReplica(replicaId, bound)));
    return replica;
  }

  function makeReplica(replicaId: string, bound: AnyApplication): Replica {
    const config = bound.deployment.resolve();
    const { isKeyed } = bound.deployment;
    return makeInstance({
      bound,
      context: {
        appName: name,
        replicaId,
        ordinal: parseReplicaId(replicaId)?.ordinal ?? 0,
        ...(isKeyed ? { key: keyOfObject(replicaId) ?? "" } : {}),
        version: VERSION,
        env: (options.env ?? {}) as Cloudflare.Env,
      },
      noState: "A replica in runLocal() has no Durable Object, so getReplicaContext().state does not exist. Test it with serve().",
      logging: { ...config.logging, accessLog: false },
      limits: config,
      userConfig: () => config.userConfig,
      ...(isKeyed ? { keyed: localKeyed(config) } : {}),
      after,
      now: Date.now,
      handleTo,
      receiveHandle,
      tasks: () => tasks,
    }).replica;
  }
}

/** Of the code of a local run. */
const VERSION = "local";

// Its configuration never changes.
function localKeyed(config: DeploymentConfig): MakeKeyedControl {
  let remembered: RememberedKeyed = {};
  const parts = {
    compiled: { epoch: 0, version: VERSION, config, routePrefix: null },
    load: () => remembered,
    save: (saved: RememberedKeyed) => void (remembered = saved),
    terminate: () => {},
  };
  return (object) => new KeyedControl(parts, object);
}
