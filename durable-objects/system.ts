/**
 * What one isolate knows of the system: plain data and code, shared by all requests.
 */
import { type Application, deploymentsOf, mapApplications } from "../src/api/application.ts";
import { routerOf } from "../src/api/ingress.ts";
import { resolveApplication } from "../src/api/resolve-application.ts";
import { writeLog } from "../src/context/logger.ts";
import { currentScope, type ReplicaContext, type ReplicaScope } from "../src/context/scope.ts";
import { sharedTimers } from "../src/context/timers.ts";
import { callScope } from "../src/handle/get-handle.ts";
import { createHandle } from "../src/handle/handle.ts";
import { ConfigError } from "../src/protocol/errors.ts";
import type { DeploymentHandle } from "../src/protocol/handle-types.ts";
import type { ApplicationManifest, DeploymentConfig, Manifest } from "../src/protocol/manifest.ts";
import type { HandleRef } from "../src/protocol/messages.ts";
import { parseReplicaId } from "../src/protocol/names.ts";
import { own } from "../src/protocol/own.ts";
import type { TaskPort } from "../src/protocol/tasks.ts";
import { initialReplicaSet } from "../src/protocol/replica-set.ts";
import type { ControlParts } from "../src/replica/control.ts";
import { type ObjectHandler, objectHandlersOf } from "../src/replica/object-handlers.ts";
import { Replica } from "../src/replica/replica.ts";
import { customPolicyOf } from "../src/router/policies/custom.ts";
import { Router } from "../src/router/router.ts";
import { routerPortsTo } from "./connection.ts";
import { controllerOf } from "./control-plane.ts";
import { noteReplicaRegion } from "./location.ts";
import { releaseHoldings, ReplicaMemory } from "./replica-memory.ts";

export class System {
  readonly manifest: Manifest;
  /** The bound deployments, by `<application>/<deployment>`. */
  readonly bound: ReadonlyMap<string, Application>;
  /** Where calls are enqueued; set before the first request. */
  tasks: TaskPort | undefined;
  readonly #applications: ReadonlyMap<string, ApplicationManifest>;
  readonly #routers = new Map<string, Router>();
  readonly #handles = new Map<Router, DeploymentHandle<unknown>>();

  constructor(manifest: Manifest, code: Readonly<Record<string, unknown>>) {
    this.manifest = manifest;
    this.#applications = new Map(manifest.applications.map((application) => [application.name, application]));
    this.bound = new Map(
      manifest.applications.flatMap(({ name, args }) =>
        deploymentsOf(resolveApplication(name, own(code, name), args), name).map((bound) => [`${name}/${bound.name}`, bound] as const),
      ),
    );
    requireBuilt(manifest, this.bound);
  }

  /** What was compiled of a deployment; `undefined` if this code has none of that name. */
  configOf(app: string, deployment: string): DeploymentConfig | undefined {
    const deployments = this.#applications.get(app)?.deployments;
    return deployments && own(deployments, deployment);
  }

  /** The router to a deployment; to the application's ingress deployment if none is named. */
  router(app: string, deployment?: string): Router {
    const application = this.#applications.get(app);
    if (application === undefined) throw unknownName("application", app, [...this.#applications.keys()]);
    const name = deployment ?? application.ingress;
    const key = `${app}/${name}`;
    let router = this.#routers.get(key);
    if (router === undefined) {
      const config = own(application.deployments, name);
      if (config === undefined) throw unknownName("deployment", name, Object.keys(application.deployments), app);
      router = new Router({ app, deployment: name }, initialReplicaSet(app, name, config, application.routePrefix), {
        ...routerPortsTo(app, name, { jurisdiction: config.placement.jurisdiction, compiledPrefix: application.routePrefix }),
        tasks: this.tasks,
        ...customPolicyOf(this.bound.get(key), (message) => writeLog("WARNING", message, undefined, currentScope())),
      });
      this.#routers.set(key, router);
    }
    return router;
  }

  /** Which handlers of its object's own events a deployment's class has; none where this code has no such deployment. */
  handlersOf(app: string, deployment: string): ReadonlySet<ObjectHandler> {
    const { target, isClass = false } = this.bound.get(`${app}/${deployment}`)?.deployment ?? {};
    return target === undefined ? new Set() : objectHandlersOf(target, isClass);
  }

  makeReplica(app: string, deployment: string, state: DurableObjectState, env: unknown): Replica {
    const bound = this.bound.get(`${app}/${deployment}`);
    const application = this.#applications.get(app);
    const config = this.configOf(app, deployment);
    if (bound === undefined || application === undefined || config === undefined)
      throw unknownName("deployment", deployment, [...this.bound.keys()]);
    const { target, isClass } = bound.deployment;
    const replicaId = state.id.name ?? state.id.toString();
    const id = parseReplicaId(replicaId);
    noteReplicaRegion(id?.location);
    const scope: ReplicaScope = {
      context: {
        appName: app,
        deployment,
        replicaId,
        ordinal: id?.ordinal ?? 0,
        version: this.manifest.version,
        env: env as Cloudflare.Env,
        state,
      },
      logging: config.logging,
      after: sharedTimers().after,
      handleTo: (toApp, toDeployment) => this.handle(toApp, toDeployment),
      tasks: this.tasks,
    };
    return new Replica({
      scope,
      target,
      isClass,
      handlers: this.handlersOf(app, deployment),
      router: routerOf(target),
      limits: config,
      now: Date.now,
      bindArgs: () => mapApplications(bound.args, (child) => this.handle(app, child.name)),
      userConfig: config.userConfig,
      routePrefix: application.routePrefix,
      control: controlOf(scope.context, { config, set: initialReplicaSet(app, deployment, config, application.routePrefix) }),
      env,
      state,
      receiveHandle: (ref) => this.#receive(ref as HandleRef),
    });
  }

  /** The handle to a deployment; the same object each time. */
  handle(app: string, deployment?: string): DeploymentHandle<unknown> {
    const router = this.router(app, deployment);
    let handle = this.#handles.get(router);
    if (handle === undefined) this.#handles.set(router, (handle = createHandle<unknown>(router, callScope)));
    return handle;
  }

  #receive({ app, deployment, options }: HandleRef): DeploymentHandle<unknown> {
    return createHandle<unknown>(this.router(app, deployment), currentScope, options);
  }
}

function controlOf({ appName, deployment, replicaId, version, state }: ReplicaContext, compiled: ControlParts["compiled"]): ControlParts {
  const memory = new ReplicaMemory(state.storage);
  return {
    control: {
      // A new stub each time: one that has failed stays failed.
      report: async (report) => controllerOf(appName).report(report),
      load: () => memory.load(),
      save: (remembered) => memory.save(remembered),
    },
    deployment,
    replica: replicaId,
    version,
    compiled,
    terminate: (reason) => state.abort(reason),
    release: () => releaseHoldings(state),
  };
}

// Where nothing checks the build before it runs, as in Cloudflare's vitest plugin: at best a deployment would be missing in silence.
function requireBuilt({ applications }: Manifest, bound: ReadonlyMap<string, Application>): void {
  const built = new Set(
    applications.flatMap(({ name, deployments }) => Object.keys(deployments).map((deployment) => `${name}/${deployment}`)),
  );
  const changed = [...[...bound.keys()].filter((key) => !built.has(key)), ...[...built].filter((key) => !bound.has(key))];
  if (changed.length === 0) return;
  throw new ConfigError(`What the applications declare has changed since the build: ${changed.join(", ")}. Run edge-serve build again.`);
}

function unknownName(kind: string, name: string, known: readonly string[], app?: string): ConfigError {
  const where = app === undefined ? "" : ` in application ${JSON.stringify(app)}`;
  return new ConfigError(`There is no ${kind} ${JSON.stringify(name)}${where}. Available: ${known.join(", ")}.`);
}
