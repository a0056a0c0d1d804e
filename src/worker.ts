/**
 * `edge-serve/worker`: what the compiled entry module imports. Wires the rooms together on workerd.
 */
import { type DurableObject, env as workerEnv, waitUntil, tracing } from "cloudflare:workers";
import { replicaClass } from "../durable-objects/replica.ts";
import { markBindings } from "./context/bindings.ts";
import { writeLog } from "./context/logger.ts";
import { keepCallSites } from "./handle/call-site.ts";
import { sleep } from "./context/with-timeout.ts";
import { createIngress } from "./ingress/ingress.ts";
import { setMetricsTeller } from "./observe/isolate-metrics.ts";
import { answerOperator } from "./operator/operator.ts";
import { setDeployments } from "./handle/get-handle.ts";
import { setTasks } from "./handle/get-task.ts";
import type { rpcEndpoint } from "./ingress/rpc.ts";
import type { serviceCalls } from "./ingress/service-calls.ts";
import type { Manifest } from "./protocol/manifest.ts";
import type { HandleRef } from "./protocol/messages.ts";
import { setTracing } from "./protocol/tracing.ts";
import { pathOf } from "./protocol/http-request.ts";
import type { backgroundTasks } from "../durable-objects/background-tasks.ts";
import type { inlineDeployments } from "../durable-objects/inline.ts";
import type { keyedDeployments } from "../durable-objects/keyed.ts";
import { besideMain } from "../durable-objects/beside-main.ts";
import { controllerOf, controlPlaneClasses, controlQueries, operatorPorts, tellCounts } from "../durable-objects/control-plane.ts";
import { noteClientRegion, type Place } from "../durable-objects/location.ts";
import { type ServiceEntrypoint, serviceEntrypoint } from "../durable-objects/service-entrypoint.ts";
import { retiredClass } from "../durable-objects/retired.ts";
import { System } from "../durable-objects/system.ts";

export { describeCode } from "./compile/describe-code.ts";
export { describeMain } from "./compile/describe-main.ts";
export { describeSystem } from "./compile/manifest.ts";
export { rpcEndpoint } from "./ingress/rpc.ts";
export { serviceCalls } from "./ingress/service-calls.ts";
export { inlineDeployments } from "../durable-objects/inline.ts";
export { keyedDeployments } from "../durable-objects/keyed.ts";
export { backgroundTasks } from "../durable-objects/background-tasks.ts";
export { sentLocally } from "../durable-objects/local-server.ts";
export type { Manifest } from "./protocol/manifest.ts";

/** A Durable Object class; the entry module only has to export it. */
type ObjectClass = new (state: DurableObjectState, env: Cloudflare.Env) => DurableObject;

/** A compiled Worker: what the entry module exports from. */
export interface CompiledWorker {
  /** The Durable Object class whose instances are the replicas of a deployment. */
  Replica(app: string, deployment: string): ReturnType<typeof replicaClass>;
  /** The class of the controllers, one object for each application. */
  readonly Controller: ReturnType<typeof controlPlaneClasses>["Controller"];
  /** The class of the one object that holds what an operator has configured. */
  readonly Config: ReturnType<typeof controlPlaneClasses>["Config"];
  /** The class of the shards of tasks, where the system has any. */
  readonly Tasks: ObjectClass;
  /** The class of the schedules, one object for each application. */
  readonly Schedules: ObjectClass;
  /** The class of a deployment that is gone, kept so that its objects are. */
  readonly Retired: ObjectClass;
  /** The entrypoint by which other Workers of the account call applications. */
  readonly EdgeServe: ServiceEntrypoint;
  /** The Worker that routes HTTP to the applications. */
  readonly ingress: {
    /** `env` and `ctx` may be left out: the bindings are the Worker's. */
    fetch(request: Request, env?: unknown, ctx?: unknown): Promise<Response>;
    /** Begins the schedules of a system to which no request has come yet. */
    scheduled(): Promise<void>;
  };
  /**
   * The Worker's default export where it has a main of the user's own: paths that an application has, and `/-/`, go to the
   * ingress, and every other request and event to the user's default export.
   *
   * @param main What the user's module exports.
   * @param classes The names of the classes that the entry module exports: of objects, and of the entrypoint.
   * @param crons Cron triggers of the user's own: those reach their `scheduled`.
   * @throws ConfigError if the user's module exports one of these names: its export would be hidden.
   */
  beside(main: Readonly<Record<string, unknown>>, classes: readonly string[], crons?: readonly string[]): object;
}

/** Optional features of a build. */
export interface WorkerFeatures {
  /** Lets authenticated callers outside the Worker call handles. */
  readonly rpc?: ReturnType<typeof rpcEndpoint>;
  /** Lets other Workers of the account call handles, by a service binding. */
  readonly services?: ReturnType<typeof serviceCalls>;
  /** Lets methods be enqueued, and schedules fire. */
  readonly tasks?: ReturnType<typeof backgroundTasks>;
  /** Lets deployments run in their callers. */
  readonly inline?: ReturnType<typeof inlineDeployments>;
  /** Lets deployments have an object for each key. */
  readonly keyed?: ReturnType<typeof keyedDeployments>;
  /** What each `policy_function` of the configuration names: by application, or by `<application>/<deployment>`. */
  readonly policies?: Readonly<Record<string, unknown>>;
  /** Whether an error shows where its call was made also when somebody else awaits it: costs each call a tenth. For development. */
  readonly callSites?: true;
  /** What is done to a response before the local server gets it: `sentLocally`. */
  readonly sent?: (response: Response) => Response;
}

/**
 * Makes a system run.
 *
 * @param manifest What was compiled.
 * @param code What each application's `import_path` names, by application.
 */
export function createWorker(manifest: Manifest, code: Readonly<Record<string, unknown>>, features: WorkerFeatures = {}): CompiledWorker {
  // What modules import is an object of its own, and has the same in it as what a replica is given.
  markBindings(workerEnv);
  keepCallSites(features.callSites === true);
  const system = new System(manifest, code);
  setDeployments({
    targetOf: (app, deployment) => system.target(app, deployment),
    handleTo: (app, deployment) => system.handle(app, deployment),
  });
  setMetricsTeller({ tell: tellCounts, keepAlive: waitUntil, sleep, now: Date.now });
  setTracing(tracing);
  system.keyed = features.keyed?.({
    version: manifest.version,
    bound: system.bound,
    tasks: () => system.tasks,
    learn: (app, deployment, told) => system.learn(app, deployment, told),
    learnKeyed: (app, configs) => system.learnKeyed(app, configs),
  });
  system.inline = features.inline?.({
    version: manifest.version,
    bound: system.bound,
    handleTo: (app, deployment) => system.handle(app, deployment),
    receiveHandle: (ref) => system.receive(ref as HandleRef),
    tasks: () => system.tasks,
  });
  const tasks = features.tasks?.(system);
  if (tasks !== undefined) setTasks((system.tasks = tasks.client));
  const parts = { manifest, code, policies: features.policies ?? {}, bound: system.bound, tasks };
  const callable = {
    targetOf: (app: string, deployment?: string) => system.target(app, deployment),
    isOpen: (app: string) => manifest.applications.some(({ name, rpc: isOpen }) => name === app && isOpen === true),
  };
  const rpc = features.rpc?.(callable);
  const operator = operatorPorts(parts, (app, deployment, assignment) => system.learn(app, deployment, assignment));
  const ingress = createIngress({
    manifest,
    targetOf: (app) => system.ingressTarget(app),
    control: controlQueries(parts),
    system: (request, path, worker) =>
      tasks?.answer(request, path, worker.env) ?? answerOperator(request, path, worker.env, operator) ?? rpc?.(request, path, worker),
  });
  const serve = (request: Request, env: unknown = workerEnv, elsewhere?: () => Promise<Response>): Promise<Response> => {
    noteClientRegion(request as { readonly cf?: Place });
    const surroundings = elsewhere === undefined ? { env, keepAlive: waitUntil } : { env, keepAlive: waitUntil, elsewhere };
    const response = ingress(request, surroundings);
    if (features.sent === undefined) return response;
    // The local server shows the client an error page, and nobody else what the user's own fetch has thrown.
    return response.then(features.sent, (error: unknown) => {
      writeLog("ERROR", `Uncaught error of the main module's fetch, ${request.method} ${pathOf(request.url)}`, { error }, undefined);
      throw error;
    });
  };
  const Retired = retiredClass(manifest.version);
  const scheduled = async (): Promise<void> => {
    if (tasks === undefined) return;
    // A controller that wakes tells the schedules what there is.
    await Promise.all(manifest.applications.map(({ name }) => controllerOf(name).status()));
    await tasks.wake();
  };
  return {
    ...controlPlaneClasses(parts),
    Tasks: tasks?.Tasks ?? Retired,
    Schedules: tasks?.Schedules ?? Retired,
    Replica: (app, deployment) =>
      replicaClass((state, env) => system.makeReplica(app, deployment, state, env), system.handlersOf(app, deployment)),
    Retired,
    EdgeServe: serviceEntrypoint(features.services?.({ ...callable, keepAlive: waitUntil })),
    ingress: { fetch: (request, env) => serve(request, env), scheduled },
    beside: (main, classes, crons = []) =>
      besideMain(main, classes, { serve, crons, keepAlive: waitUntil, scheduled: tasks === undefined ? undefined : scheduled }),
  };
}
