/**
 * `runLocal`: an application in this process, for unit tests and debuggers.
 *
 * The same cores as in a Worker, wired without one: handles, routers and replicas are the real ones, and what
 * passes between them is cloned as it would be on the way to another object.
 */
import { type AnyApplication, Application, deploymentsOf, type HandleTo, mapApplications } from "../api/application.ts";
import { routerOf } from "../api/ingress.ts";
import { writeLog } from "../context/logger.ts";
import { currentScope, type ReplicaScope } from "../context/scope.ts";
import { after, sleep } from "../context/with-timeout.ts";
import { setTasks } from "../handle/get-task.ts";
import { createHandle } from "../handle/handle.ts";
import { ConfigError } from "../protocol/errors.ts";
import { createKeyedHandle } from "../handle/keyed-handle.ts";
import type { AnyHandle } from "../protocol/handle-types.ts";
import { keyOfObject, OBJECT_DELETED } from "../protocol/keys.ts";
import type { DeploymentConfig } from "../protocol/manifest.ts";
import type { CallRequest, Delivery, HandleRef, ItemPuller, Reply, ReplicaState, Reservation } from "../protocol/messages.ts";
import { parseReplicaId } from "../protocol/names.ts";
import { isScalar } from "../protocol/plain-data.ts";
import { decodeError, encodeError } from "../protocol/error-codec.ts";
import { bodiesIn } from "../protocol/bodies.ts";
import { define } from "../protocol/wire-error.ts";
import type { KeyedParts, RememberedKeyed } from "../replica/keyed-control.ts";
import { Replica } from "../replica/replica.ts";
import { initialReplicaSet } from "../protocol/replica-set.ts";
import { customPolicyOf } from "../router/policies/custom.ts";
import { KeyedRouter, type ObjectConnection } from "../router/keyed-router.ts";
import { type ReplicaConnection, Router } from "../router/router.ts";
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
  return handleTo(app.name) as HandleTo<Application<T, K>>;

  function handleTo(deployment: string): AnyHandle {
    const router = routerTo(deployment);
    return router instanceof KeyedRouter ? createKeyedHandle<unknown>(router, currentScope) : createHandle<unknown>(router, currentScope);
  }

  function received({ deployment, options: given, isKeyed, objectKey }: HandleRef): AnyHandle {
    const router = routerTo(deployment);
    if (isKeyed === true || !(router instanceof KeyedRouter && objectKey !== undefined)) return handleTo(deployment);
    return createHandle<unknown>(router.at(objectKey), currentScope, given);
  }

  function routerTo(deployment: string): Router | KeyedRouter {
    const bound = deployments.get(deployment);
    if (bound === undefined) {
      throw new ConfigError(`There is no deployment ${JSON.stringify(deployment)}. Available: ${[...deployments.keys()].join(", ")}.`);
    }
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
    const { target, isClass } = bound.deployment;
    const config = bound.deployment.resolve();
    const { logging, userConfig } = config;
    const scope: ReplicaScope = {
      context: {
        appName: name,
        deployment: bound.name,
        replicaId,
        ordinal: parseReplicaId(replicaId)?.ordinal ?? 0,
        ...(bound.deployment.isKeyed ? { key: keyOfObject(replicaId) ?? "" } : {}),
        version: VERSION,
        env: (options.env ?? {}) as Cloudflare.Env,
        get state(): DurableObjectState {
          throw new Error(
            "A replica in runLocal() has no Durable Object, so getReplicaContext().state does not exist. Test it with serve().",
          );
        },
      },
      logging: { ...logging, accessLog: false },
      after,
      tasks,
      handleTo(toApp, deployment = app.name) {
        if (toApp === name) return handleTo(deployment);
        throw new ConfigError(
          `There is no application ${JSON.stringify(toApp)}. runLocal() runs one application: ${JSON.stringify(name)}.`,
        );
      },
    };
    return new Replica({
      scope,
      target,
      isClass,
      router: routerOf(target),
      limits: config,
      now: Date.now,
      bindArgs: () => mapApplications(bound.args, (application) => handleTo(application.name)),
      userConfig,
      env: scope.context.env,
      state: undefined,
      ...(bound.deployment.isKeyed ? { keyed: localKeyed(config) } : {}),
      receiveHandle: (ref) => received(ref as HandleRef),
    });
  }
}

/** Of the code of a local run. */
const VERSION = "local";

// Its configuration never changes.
function localKeyed(config: DeploymentConfig): KeyedParts {
  let remembered: RememberedKeyed = {};
  return {
    compiled: { epoch: 0, version: VERSION, config, routePrefix: null },
    load: () => remembered,
    save: (saved) => void (remembered = saved),
    terminate: () => {},
  };
}

/** @param heard Told what the replica has, where its answer says so. */
function connectionTo(replica: Replica, heard: (state: ReplicaState) => void = () => {}): ReplicaConnection {
  const hear = <T extends Reply | Reservation>(answer: T): T => {
    if ("state" in answer && answer.state !== undefined) heard(answer.state);
    return answer;
  };
  return {
    async call(request: CallRequest, delivery: Delivery): Promise<Reply> {
      const reply = hear(await replica.call({ ...request, delivery, args: request.args.map(cloned) }));
      if (reply.kind === "value") return { ...reply, value: cloned(reply.value) };
      return reply.kind === "stream" ? { kind: "stream", items: clonedItems(reply.items) } : reply;
    },
    fetch: (request, meta, delivery) => replica.fetch(request, meta, delivery),
    reserve: async (meta, delivery) => hear(await replica.reserve(meta, delivery)),
    cancel: (id, reason) => replica.cancel(id, reason),
  };
}

function clonedItems(items: ItemPuller): ItemPuller {
  return {
    async pull() {
      const batch = await items.pull();
      return { ...batch, items: batch.items.map(cloned) };
    },
    cancel: () => items.cancel(),
  };
}

// As between objects, which Node's own clone is not: bodies and streams are handed over, wherever in the value they are, and
// an error keeps what it holds.
function cloned(value: unknown): unknown {
  return isScalar(value) ? value : copied(value, new Map([...bodiesIn(value)].map((body) => [body, body])));
}

function copied(value: unknown, copies: Map<unknown, unknown>): unknown {
  if (isScalar(value)) return value;
  const known = copies.get(value);
  if (known !== undefined) return known;
  const begun = <T>(copy: T): T => {
    copies.set(value, copy);
    return copy;
  };
  if (value instanceof Map) {
    const copy = begun(new Map<unknown, unknown>());
    for (const [key, item] of value) copy.set(copied(key, copies), copied(item, copies));
    return copy;
  }
  if (value instanceof Set) {
    const copy = begun(new Set<unknown>());
    for (const item of value) copy.add(copied(item, copies));
    return copy;
  }
  if (value instanceof Error) return begun(decodeError(encodeError(value)));
  const isRecord = typeof value === "object" && Object.getPrototypeOf(value) === Object.prototype;
  if (!isRecord && !Array.isArray(value)) return begun(structuredClone(value));
  const copy = begun<object>(Array.isArray(value) ? Object.assign([], { length: value.length }) : {});
  for (const [key, item] of Object.entries(value as object)) define(copy, key, copied(item, copies), true);
  return copy;
}
