/**
 * What one isolate knows of the system: plain data and code, shared by all requests.
 */
import { show } from "../src/protocol/wording.ts";
import { type AnyApplication, mapApplications } from "../src/api/application.ts";
import { boundAsBuilt } from "../src/api/built-names.ts";
import { routerOf } from "../src/api/ingress.ts";
import { writeLog } from "../src/context/logger.ts";
import { currentScope, type ReplicaContext, type ReplicaScope } from "../src/context/scope.ts";
import { sharedTimers } from "../src/context/timers.ts";
import { callScope } from "../src/handle/get-handle.ts";
import { createHandle } from "../src/handle/handle.ts";
import { type Assignment, keyedConfigIn } from "../src/protocol/control.ts";
import type { IngressTarget } from "../src/ingress/application-routes.ts";
import type { InlineTarget } from "../src/inline/target.ts";
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
import type { Remembered } from "../src/replica/membership.ts";
import { type ObjectHandler, objectHandlersOf } from "../src/replica/object-handlers.ts";
import { Replica } from "../src/replica/replica.ts";
import { compiledPlaceOf } from "../src/traffic/state.ts";
import { customPolicyOf } from "../src/router/policies/custom.ts";
import type { KeyedRouter } from "../src/router/keyed-router.ts";
import { Router } from "../src/router/router.ts";
import { routerPortsTo } from "./connection.ts";
import { controllerOf } from "./control-plane.ts";
import type { InlineSystem } from "./inline.ts";
import type { KeyedSystem } from "./keyed.ts";
import { noteReplicaRegion } from "./location.ts";
import { releaseHoldings, ReplicaMemory } from "./replica-memory.ts";

/** Where calls to a deployment go: to its replicas, to the objects of its keys, or to the caller's own instance. */
export type Target = Router | KeyedRouter | InlineTarget;

export class System {
  readonly manifest: Manifest;
  /** The bound deployments, by `<application>/<deployment>`. */
  readonly bound: ReadonlyMap<string, AnyApplication>;
  /** Where calls are enqueued; set before the first request. */
  tasks: TaskPort | undefined;
  /** What inline deployments run by, where there are any; set before the first request. */
  inline: InlineSystem | undefined;
  /** The same for keyed ones. */
  keyed: KeyedSystem | undefined;
  readonly #applications: ReadonlyMap<string, ApplicationManifest>;
  readonly #targets = new Map<string, Target>();
  readonly #keyedIngresses = new Map<KeyedRouter, IngressTarget>();
  readonly #handles = new Map<Target, AnyHandle>();

  constructor(manifest: Manifest, code: Readonly<Record<string, unknown>>) {
    this.manifest = manifest;
    this.#applications = new Map(manifest.applications.map((application) => [application.name, application]));
    this.bound = boundAsBuilt(manifest, code);
  }

  /** What was compiled of a deployment; `undefined` if this code has none of that name. */
  configOf(app: string, deployment: string): DeploymentConfig | undefined {
    const deployments = this.#applications.get(app)?.deployments;
    return deployments && own(deployments, deployment);
  }

  /** The router to a deployment that has objects. */
  router(app: string, deployment: string): Router | KeyedRouter {
    const target = this.target(app, deployment);
    if (target instanceof Router || isKeyedTarget(target)) return target;
    throw new ConfigError(`Deployment ${show(deployment)} is inline, and has no objects.`);
  }

  /** Where calls to a deployment go; to the application's ingress deployment if none is named. */
  target(app: string, deployment?: string): Target {
    const application = this.#applications.get(app);
    if (application === undefined) throw unknownName("application", app, [...this.#applications.keys()]);
    const name = deployment ?? application.ingress;
    const key = `${app}/${name}`;
    let target = this.#targets.get(key);
    if (target === undefined) this.#targets.set(key, (target = this.#makeTarget(application, name)));
    return target;
  }

  #makeTarget(application: ApplicationManifest, deployment: string): Target {
    const { name: app, routePrefix, deployments } = application;
    const config = own(deployments, deployment);
    if (config === undefined) throw unknownName("deployment", deployment, Object.keys(deployments), app);
    if (config.inline === true) {
      if (this.inline === undefined) throw notBuilt("inline");
      return this.inline.target({ app, config, routePrefix }, deployment);
    }
    const place = compiledPlaceOf(application, this.manifest.routes);
    if (config.keyed === true) return this.#forKeys().router({ app, deployment, config, routePrefix, place });
    return new Router({ app, deployment }, initialReplicaSet(app, deployment, config, routePrefix), {
      ...routerPortsTo(app, deployment, { jurisdiction: config.placement.jurisdiction, place }),
      tasks: this.tasks,
      ...customPolicyOf(this.bound.get(`${app}/${deployment}`), (message) => writeLog("WARNING", message, undefined, currentScope())),
    });
  }

  #forKeys(): KeyedSystem {
    if (this.keyed === undefined) throw notBuilt("keyed");
    return this.keyed;
  }

  /** Where the HTTP requests of an application go. */
  ingressTarget(app: string): IngressTarget {
    const target = this.target(app);
    if (!isKeyedTarget(target)) return target;
    let ingress = this.#keyedIngresses.get(target);
    if (ingress === undefined) this.#keyedIngresses.set(target, (ingress = this.#forKeys().ingress(target)));
    return ingress;
  }

  /** Takes what is in force for a deployment, for the callers of this isolate. */
  learn(app: string, deployment: string, assignment: Assignment): void {
    const target = this.target(app, deployment);
    if (target instanceof Router) target.learn(assignment.set);
    else if (isKeyedTarget(target)) target.learn(keyedConfigIn(assignment));
    else target.learn(assignment);
  }

  /** Takes what is told of the keyed deployments of an application. */
  learnKeyed(app: string, configs: Readonly<Record<string, KeyedConfig>>): void {
    for (const [deployment, config] of Object.entries(configs)) {
      if (this.configOf(app, deployment)?.keyed !== true) continue;
      const target = this.target(app, deployment);
      if (isKeyedTarget(target)) target.learn(config);
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
      // The object of a key has no controller.
      ...(config.keyed === true ? {} : { controlledBy: app }),
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
        ? { keyed: this.#forKeys().control(scope.context, { config, routePrefix: application.routePrefix }) }
        : {
            control: {
              ...controlOf(scope.context, { config, set: initialReplicaSet(app, deployment, config, application.routePrefix) }),
              learnKeyed: (configs: Readonly<Record<string, KeyedConfig>>) => this.learnKeyed(app, configs),
              ...(this.inline === undefined ? {} : { guests: this.inline.guestsOf(scope) }),
            },
          }),
      env,
      state,
      receiveHandle: (ref) => this.receive(ref as HandleRef),
    });
  }

  /** The handle to a deployment, keyed or not; the same object each time. */
  handle(app: string, deployment?: string): AnyHandle {
    const target = this.target(app, deployment);
    let handle = this.#handles.get(target);
    if (handle === undefined) {
      handle = isKeyedTarget(target) ? this.#forKeys().handle(target) : createHandle<unknown>(target, callScope);
      this.#handles.set(target, handle);
    }
    return handle;
  }

  /** The handle that a caller sent as an argument. */
  receive({ app, deployment, options, isKeyed, objectKey }: HandleRef): AnyHandle {
    if (isKeyed === true) return this.handle(app, deployment);
    const target = this.target(app, deployment);
    // One that was sent before a deploy may say nothing of keys.
    return createHandle<unknown>(isKeyedTarget(target) ? target.at(objectKey ?? "") : target, currentScope, options);
  }
}

function keyIn({ keyed }: DeploymentConfig, replicaId: string): { readonly key?: string } {
  const key = keyed === true ? keyOfObject(replicaId) : undefined;
  return key === undefined ? {} : { key };
}

function isKeyedTarget(target: Target): target is KeyedRouter {
  return "at" in target;
}

function notBuilt(kind: string): ConfigError {
  return new ConfigError(`The entry module is of an edge-serve without ${kind} deployments. Run edge-serve build.`);
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

function unknownName(kind: string, name: string, known: readonly string[], app?: string): ConfigError {
  const where = app === undefined ? "" : ` in application ${show(app)}`;
  return new ConfigError(`There is no ${kind} ${show(name)}${where}. Available: ${known.join(", ")}.`);
}
