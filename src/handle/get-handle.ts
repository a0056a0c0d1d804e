/**
 * `getAppHandle`, `getDeploymentHandle` and `getKeyedHandle`: handles by name, in replicas and in all other code of the same Worker.
 *
 * A handle that is made while modules load is made before the system: it looks for the system when it is called.
 */
import type { HandleTo } from "../api/application.ts";
import type { Cancellation } from "../protocol/cancellation.ts";
import { outerRequest } from "../context/outer-request.ts";
import { currentScope } from "../context/scope.ts";
import { ConfigError } from "../protocol/errors.ts";
import type { AnyHandle, DeploymentHandle, KeyedHandle } from "../protocol/handle-types.ts";
import { checkKey } from "../protocol/keys.ts";
import type { Answer, CallRequest } from "../protocol/messages.ts";
import type { TaskPort } from "../protocol/tasks.ts";
import { type CallScope, createHandle, type HandleTarget } from "./handle.ts";
import { createKeyedHandle, isKeyed, type KeyedTarget } from "./keyed-handle.ts";

/** The deployments of this Worker, for code that runs in none of its replicas. */
export interface WorkerDeployments {
  /** @throws ConfigError if there is no such application or deployment. */
  targetOf(app: string, deployment?: string): HandleTarget | KeyedTarget;
  /** The handle, of a keyed deployment too; the same object each time. @throws ConfigError likewise */
  handleTo(app: string, deployment?: string): AnyHandle;
}

let ofWorker: WorkerDeployments | undefined;

/** Says where the deployments of this Worker are. */
export function setDeployments(deployments: WorkerDeployments): void {
  ofWorker = deployments;
}

/** Where a call is made that a handle of the Worker makes. */
export function callScope(): CallScope | undefined {
  return currentScope() ?? outside();
}

function outside(): CallScope | undefined {
  const outer = outerRequest();
  return outer === undefined ? undefined : { outer };
}

/**
 * A handle to a deployment by name: in replicas, and in every handler of the same Worker (`fetch`, `queue`, `scheduled`, Workflows,
 * Durable Objects and entrypoints of your own). Outside of replicas each call begins a call tree of its own. At module scope a handle
 * can be made, and not called.
 *
 * @param appName The application; in a replica its own if left out.
 * @throws ConfigError if there is no such application or deployment, if it is keyed, and outside of replicas if no application is named.
 */
export function getDeploymentHandle<T = unknown>(name: string, appName?: string): DeploymentHandle<T> {
  const app = appNamed("getDeploymentHandle", name, appName);
  const handle = systemHere()?.handleTo(app, name) ?? createHandle<unknown>(new LateTarget(app, name), callScope);
  if (isKeyed(handle))
    throw new ConfigError(
      `Deployment ${quoted(name, app)} is keyed: it has an object for each key. Use getKeyedHandle(${JSON.stringify(name)}).`,
    );
  return handle as DeploymentHandle<T>;
}

/**
 * The handle of a keyed deployment by name, wherever {@link getDeploymentHandle} works: `getKeyedHandle<Cart>("Cart").get(user)`.
 *
 * @param appName The application; in a replica its own if left out.
 * @throws ConfigError if there is no such application or deployment, if it is not keyed, and outside of replicas if no application is named.
 */
export function getKeyedHandle<T = unknown>(name: string, appName?: string): KeyedHandle<T> {
  const app = appNamed("getKeyedHandle", name, appName);
  const handle = systemHere()?.handleTo(app, name) ?? createKeyedHandle<unknown>(lateKeyed(app, name), callScope);
  if (!isKeyed(handle))
    throw new ConfigError(
      `Deployment ${quoted(name, app)} is not keyed: it has replicas. Use getDeploymentHandle(${JSON.stringify(name)}).`,
    );
  return handle as KeyedHandle<T>;
}

/**
 * A handle to the ingress deployment of an application, wherever {@link getDeploymentHandle} works: `getAppHandle<typeof app>("shop")`.
 * The `KeyedHandle` of one that is keyed.
 *
 * @throws ConfigError if there is no such application.
 */
export function getAppHandle<A = unknown>(appName: string): HandleTo<A> {
  const handle = systemHere()?.handleTo(appName) ?? createHandle<unknown>(new LateTarget(appName, undefined), callScope);
  return handle as HandleTo<A>;
}

function appNamed(asked: string, name: string, appName: string | undefined): string {
  const app = appName ?? currentScope()?.replica.context.appName;
  if (app !== undefined) return app;
  const call = `${asked}(${JSON.stringify(name)}`;
  throw new ConfigError(`${call}) was called outside of an application. Say which one it is of: ${call}, "<application>").`);
}

function systemHere(): Pick<WorkerDeployments, "handleTo"> | undefined {
  return currentScope()?.replica ?? ofWorker;
}

function quoted(name: string, app: string): string {
  return `${JSON.stringify(name)} of application ${JSON.stringify(app)}`;
}

// While modules load nobody knows yet what there is.
function lateKeyed(app: string, name: string | undefined): KeyedTarget {
  const target = { app, deployment: name ?? "ingress" };
  return {
    ...target,
    at(key) {
      checkKey(key, target);
      return new LateTarget(app, name, key);
    },
    delete: async (key) => found(app, name, true).delete(key),
  };
}

function found(app: string, name: string | undefined, isKeyed: true): KeyedTarget;
function found(app: string, name: string | undefined, isKeyed: false): HandleTarget;
function found(app: string, name: string | undefined, isKeyed: boolean): HandleTarget | KeyedTarget {
  const target = ofWorker?.targetOf(app, name);
  if (target === undefined) {
    throw new ConfigError(
      `A handle to application ${JSON.stringify(app)} was called where there is no system: at module scope, or outside of its ` +
        "Worker. Call it in a handler: fetch, queue, scheduled. In a test, use serve() or runLocal().",
    );
  }
  if ("at" in target === isKeyed) return target;
  const of = quoted(target.deployment, app);
  throw new ConfigError(
    isKeyed ? `Deployment ${of} is not keyed.` : `Deployment ${of} is keyed: it has an object for each key. Use get(key).`,
  );
}

/** A deployment, or the object of a key of one, that is looked for when it is called. */
class LateTarget implements HandleTarget {
  readonly app: string;
  readonly key?: string;
  readonly keyed?: KeyedTarget;
  readonly #name: string | undefined;
  #found: HandleTarget | undefined;

  constructor(app: string, name: string | undefined, key?: string) {
    this.app = app;
    this.#name = name;
    if (key !== undefined) this.key = key;
    else if (name === undefined) this.keyed = lateKeyed(app, name);
  }

  get deployment(): string {
    return this.#name ?? this.#known()?.deployment ?? "ingress";
  }
  get requestTimeoutMs(): number | null {
    return this.#known()?.requestTimeoutMs ?? null;
  }
  get takesTasks(): boolean | undefined {
    return this.#known()?.takesTasks;
  }
  get tasks(): TaskPort | undefined {
    return this.#known()?.tasks;
  }

  async call(request: CallRequest, cancellation?: Cancellation): Promise<Answer> {
    return this.#target().call(request, cancellation);
  }
  async broadcast(request: CallRequest, cancellation?: Cancellation): Promise<PromiseSettledResult<Answer>[]> {
    return this.#target().broadcast(request, cancellation);
  }

  #known(): HandleTarget | undefined {
    return ofWorker === undefined ? undefined : this.#target();
  }

  #target(): HandleTarget {
    const { app, key } = this;
    return (this.#found ??= key === undefined ? found(app, this.#name, false) : found(app, this.#name, true).at(key));
  }
}
