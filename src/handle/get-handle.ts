/**
 * `getAppHandle` and `getDeploymentHandle`: handles by name, in replicas and in all other code of the same Worker.
 *
 * A handle that is made while modules load is made before the system: it looks for the system when it is called.
 */
import type { HandleTo } from "../api/application.ts";
import type { Cancellation } from "../protocol/cancellation.ts";
import { outerRequest } from "../context/outer-request.ts";
import { currentScope } from "../context/scope.ts";
import { ConfigError } from "../protocol/errors.ts";
import type { DeploymentHandle } from "../protocol/handle-types.ts";
import type { Answer, CallRequest } from "../protocol/messages.ts";
import type { TaskPort } from "../protocol/tasks.ts";
import { type CallScope, createHandle, type HandleTarget } from "./handle.ts";

/** The deployments of this Worker, for code that runs in none of its replicas. */
export interface WorkerDeployments {
  /** @throws ConfigError if there is no such application or deployment. */
  targetOf(app: string, deployment?: string): HandleTarget;
  /** The same object each time. @throws ConfigError likewise */
  handleTo(app: string, deployment?: string): DeploymentHandle<unknown>;
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
 * @throws ConfigError if there is no such application or deployment, and outside of replicas if no application is named.
 */
export function getDeploymentHandle<T = unknown>(name: string, appName?: string): DeploymentHandle<T> {
  const app = appName ?? currentScope()?.replica.context.appName;
  if (app === undefined) {
    throw new ConfigError(
      `getDeploymentHandle(${JSON.stringify(name)}) was called outside of an application. Say which one it is of: ` +
        `getDeploymentHandle(${JSON.stringify(name)}, "<application>").`,
    );
  }
  return handleTo(app, name) as DeploymentHandle<T>;
}

/**
 * A handle to the ingress deployment of an application, wherever {@link getDeploymentHandle} works: `getAppHandle<typeof app>("shop")`.
 *
 * @throws ConfigError if there is no such application.
 */
export function getAppHandle<A = unknown>(appName: string): HandleTo<A> {
  return handleTo(appName) as HandleTo<A>;
}

function handleTo(app: string, deployment?: string): DeploymentHandle<unknown> {
  const system = currentScope()?.replica ?? ofWorker;
  return system?.handleTo(app, deployment) ?? createHandle<unknown>(new LateTarget(app, deployment), callScope);
}

/** A deployment that is looked for when it is called. */
class LateTarget implements HandleTarget {
  readonly app: string;
  readonly #name: string | undefined;
  #found: HandleTarget | undefined;

  constructor(app: string, name: string | undefined) {
    this.app = app;
    this.#name = name;
  }

  get deployment(): string {
    return this.#name ?? this.#find()?.deployment ?? "ingress";
  }
  get requestTimeoutMs(): number | null {
    return this.#find()?.requestTimeoutMs ?? null;
  }
  get takesTasks(): boolean | undefined {
    return this.#find()?.takesTasks;
  }
  get tasks(): TaskPort | undefined {
    return this.#find()?.tasks;
  }

  async call(request: CallRequest, cancellation?: Cancellation): Promise<Answer> {
    return this.#target().call(request, cancellation);
  }
  async broadcast(request: CallRequest, cancellation?: Cancellation): Promise<PromiseSettledResult<Answer>[]> {
    return this.#target().broadcast(request, cancellation);
  }

  #find(): HandleTarget | undefined {
    return (this.#found ??= ofWorker?.targetOf(this.app, this.#name));
  }

  #target(): HandleTarget {
    const target = this.#find();
    if (target === undefined) {
      throw new ConfigError(
        `A handle to application ${JSON.stringify(this.app)} was called where there is no system: at module scope, or outside of its ` +
          "Worker. Call it in a handler: fetch, queue, scheduled. In a test, use serve() or runLocal().",
      );
    }
    return target;
  }
}
