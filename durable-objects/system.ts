/**
 * What one isolate knows of the system: plain data and code, shared by all requests.
 */
import { type AnyApplication, deploymentsOf, mapApplications } from "../src/api/application.ts";
import { routerOf } from "../src/api/ingress.ts";
import { resolveApplication } from "../src/api/resolve-application.ts";
import { writeLog } from "../src/context/logger.ts";
import { currentScope, type ReplicaContext, type ReplicaScope } from "../src/context/scope.ts";
import { sharedTimers } from "../src/context/timers.ts";
import { callScope } from "../src/handle/get-handle.ts";
import { createHandle } from "../src/handle/handle.ts";
import { createKeyedHandle } from "../src/handle/keyed-handle.ts";
import { type Assignment, keyedConfigIn } from "../src/protocol/control.ts";
import type { IngressTarget } from "../src/ingress/application-routes.ts";
import { KeyedIngress } from "../src/ingress/keyed-target.ts";
import { ConfigError } from "../src/protocol/errors.ts";
import type { AnyHandle } from "../src/protocol/handle-types.ts";
import { type KeyedConfig, keyOfObject } from "../src/protocol/keys.ts";
import type { ApplicationManifest, DeploymentConfig, Manifest } from "../src/protocol/manifest.ts";
import type { HandleRef } from "../src/protocol/messages.ts";
import { parseReplicaId } from "../src/protocol/names.ts";
import { own } from "../src/protocol/own.ts";
import type { TaskPort } from "../src/protocol/tasks.ts";
import { initialReplicaSet } from "../src/protocol/replica-set.ts";
import type { ControlParts } from "../src/replica/control.ts";
import type { KeyedParts, RememberedKeyed } from "../src/replica/keyed-control.ts";
import type { Remembered } from "../src/replica/membership.ts";
import { type ObjectHandler, objectHandlersOf } from "../src/replica/object-handlers.ts";
import { Replica } from "../src/replica/replica.ts";
import { compiledPlaceOf } from "../src/traffic/state.ts";
import { customPolicyOf } from "../src/router/policies/custom.ts";
import { KeyedRouter } from "../src/router/keyed-router.ts";
import { Router } from "../src/router/router.ts";
import { keyedPortsTo, routerPortsTo } from "./connection.ts";
import { controllerOf } from "./control-plane.ts";
import { renewalOf } from "./keyed-renewal.ts";
import { noteReplicaRegion } from "./location.ts";
import { releaseHoldings, ReplicaMemory } from "./replica-memory.ts";

export class System {
  readonly manifest: Manifest;
  /** The bound deployments, by `<application>/<deployment>`. */
  readonly bound: ReadonlyMap<string, AnyApplication>;
  /** Where calls are enqueued; set before the first request. */
  tasks: TaskPort | undefined;
  readonly #applications: ReadonlyMap<string, ApplicationManifest>;
  readonly #routers = new Map<string, Router | KeyedRouter>();
  readonly #keyedIngresses = new Map<KeyedRouter, KeyedIngress>();
  readonly #handles = new Map<Router | KeyedRouter, AnyHandle>();

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

  /** The way to a deployment; to the application's ingress deployment if none is named. */
  router(app: string, deployment?: string): Router | KeyedRouter {
    const application = this.#applications.get(app);
    if (application === undefined) throw unknownName("application", app, [...this.#applications.keys()]);
    const name = deployment ?? application.ingress;
    const key = `${app}/${name}`;
    let router = this.#routers.get(key);
    if (router === undefined) this.#routers.set(key, (router = this.#makeRouter(application, name)));
    return router;
  }

  #makeRouter(application: ApplicationManifest, deployment: string): Router | KeyedRouter {
    const { name: app, routePrefix, deployments } = application;
    const config = own(deployments, deployment);
    if (config === undefined) throw unknownName("deployment", deployment, Object.keys(deployments), app);
    const compiled = { jurisdiction: config.placement.jurisdiction, place: compiledPlaceOf(application, this.manifest.routes) };
    if (config.keyed === true) {
      const { version } = this.manifest;
      const router = new KeyedRouter({ app, deployment }, compiledKeyed(config, routePrefix, version), {
        ...keyedPortsTo(app, deployment, compiled),
        renew: renewalOf(app, deployment, version, (told) => router.learn(told)),
        tasks: this.tasks,
      });
      return router;
    }
    return new Router({ app, deployment }, initialReplicaSet(app, deployment, config, routePrefix), {
      ...routerPortsTo(app, deployment, compiled),
      tasks: this.tasks,
      ...customPolicyOf(this.bound.get(`${app}/${deployment}`), (message) => writeLog("WARNING", message, undefined, currentScope())),
    });
  }

  /** Where the HTTP requests of an application go. */
  ingressTarget(app: string): IngressTarget {
    const router = this.router(app);
    if (router instanceof Router) return router;
    let target = this.#keyedIngresses.get(router);
    if (target === undefined) {
      const keyed = this.bound.get(`${app}/${router.deployment}`)?.deployment.given.keyed;
      target = new KeyedIngress(router, typeof keyed === "object" ? keyed.key : () => undefined);
      this.#keyedIngresses.set(router, target);
    }
    return target;
  }

  /** Takes what is in force for a deployment. */
  learn(app: string, deployment: string, assignment: Assignment): void {
    const router = this.router(app, deployment);
    if (router instanceof KeyedRouter) router.learn(keyedConfigIn(assignment));
    else router.learn(assignment.set);
  }

  /** Takes what is told of the keyed deployments of an application. */
  learnKeyed(app: string, configs: Readonly<Record<string, KeyedConfig>>): void {
    for (const [deployment, config] of Object.entries(configs)) {
      const router = this.configOf(app, deployment)?.keyed === true ? this.router(app, deployment) : undefined;
      if (router instanceof KeyedRouter) router.learn(config);
    }
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
        ...keyIn(config, replicaId),
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
      place: compiledPlaceOf(application, this.manifest.routes),
      ...(config.keyed === true
        ? { keyed: this.#keyedParts(scope.context, config, application.routePrefix) }
        : {
            control: {
              ...controlOf(scope.context, { config, set: initialReplicaSet(app, deployment, config, application.routePrefix) }),
              learnKeyed: (configs: Readonly<Record<string, KeyedConfig>>) => this.learnKeyed(app, configs),
            },
          }),
      env,
      state,
      receiveHandle: (ref) => this.#receive(ref as HandleRef),
    });
  }

  /** The handle to a deployment, keyed or not; the same object each time. */
  handle(app: string, deployment?: string): AnyHandle {
    const router = this.router(app, deployment);
    let handle = this.#handles.get(router);
    if (handle === undefined) {
      handle = router instanceof KeyedRouter ? createKeyedHandle<unknown>(router, callScope) : createHandle<unknown>(router, callScope);
      this.#handles.set(router, handle);
    }
    return handle;
  }

  #receive({ app, deployment, options, isKeyed, objectKey }: HandleRef): AnyHandle {
    if (isKeyed === true) return this.handle(app, deployment);
    const router = this.router(app, deployment);
    // One that was sent before a deploy may say nothing of keys.
    const target = router instanceof KeyedRouter ? router.at(objectKey ?? "") : router;
    return createHandle<unknown>(target, currentScope, options);
  }

  #keyedParts({ appName, deployment, state }: ReplicaContext, config: DeploymentConfig, routePrefix: string | null): KeyedParts {
    const memory = new ReplicaMemory<RememberedKeyed>(state.storage);
    return {
      compiled: compiledKeyed(config, routePrefix, this.manifest.version),
      load: () => memory.load(),
      save: (remembered) => memory.save(remembered),
      terminate: (reason) => state.abort(reason),
      learned: (told) => this.learnKeyed(appName, { [deployment]: told }),
    };
  }
}

function keyIn({ keyed }: DeploymentConfig, replicaId: string): { readonly key?: string } {
  const key = keyed === true ? keyOfObject(replicaId) : undefined;
  return key === undefined ? {} : { key };
}

function compiledKeyed(config: DeploymentConfig, routePrefix: string | null, version: string): KeyedConfig {
  return { epoch: 0, version, config, routePrefix };
}

function controlOf({ appName, deployment, replicaId, version, state }: ReplicaContext, compiled: ControlParts["compiled"]): ControlParts {
  const memory = new ReplicaMemory<Remembered>(state.storage);
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
function requireBuilt({ applications }: Manifest, bound: ReadonlyMap<string, AnyApplication>): void {
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
