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
import type { InlineTarget } from "../src/inline/target.ts";
import { ConfigError } from "../src/protocol/errors.ts";
import type { Assignment } from "../src/protocol/control.ts";
import type { DeploymentHandle } from "../src/protocol/handle-types.ts";
import type { ApplicationManifest, DeploymentConfig, Manifest } from "../src/protocol/manifest.ts";
import type { HandleRef } from "../src/protocol/messages.ts";
import { parseReplicaId } from "../src/protocol/names.ts";
import { own } from "../src/protocol/own.ts";
import type { TaskPort } from "../src/protocol/tasks.ts";
import { initialReplicaSet } from "../src/protocol/replica-set.ts";
import type { ControlParts } from "../src/replica/control.ts";
import type { Remembered } from "../src/replica/membership.ts";
import { Replica } from "../src/replica/replica.ts";
import { customPolicyOf } from "../src/router/policies/custom.ts";
import { Router } from "../src/router/router.ts";
import { routerPortsTo } from "./connection.ts";
import { controllerOf } from "./control-plane.ts";
import type { InlineSystem } from "./inline.ts";
import { noteReplicaRegion } from "./location.ts";

/** Where a replica keeps what it was told, in its own storage. */
const REMEMBERED = "__edge_serve";

/** Where calls to a deployment go: to its replicas, or to the caller's own instance. */
export type Target = Router | InlineTarget;

export class System {
  readonly manifest: Manifest;
  /** The bound deployments, by `<application>/<deployment>`. */
  readonly bound: ReadonlyMap<string, Application>;
  /** Where calls are enqueued; set before the first request. */
  tasks: TaskPort | undefined;
  /** What inline deployments run by, where there are any; set before the first request. */
  inline: InlineSystem | undefined;
  readonly #applications: ReadonlyMap<string, ApplicationManifest>;
  readonly #targets = new Map<string, Target>();
  readonly #handles = new Map<Target, DeploymentHandle<unknown>>();

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

  /** The router to a deployment that has replicas. */
  router(app: string, deployment: string): Router {
    const target = this.target(app, deployment);
    if (target instanceof Router) return target;
    throw new ConfigError(`Deployment ${JSON.stringify(deployment)} is inline, and has no replicas.`);
  }

  /** Where calls to a deployment go; to the application's ingress deployment if none is named. */
  target(app: string, deployment?: string): Target {
    const application = this.#applications.get(app);
    if (application === undefined) throw unknownName("application", app, [...this.#applications.keys()]);
    const name = deployment ?? application.ingress;
    const key = `${app}/${name}`;
    let target = this.#targets.get(key);
    if (target === undefined) {
      const config = own(application.deployments, name);
      if (config === undefined) throw unknownName("deployment", name, Object.keys(application.deployments), app);
      target = config.inline === true ? this.#newInline(application, name, config) : this.#newRouter(application, name, config);
      this.#targets.set(key, target);
    }
    return target;
  }

  #newRouter({ name: app, routePrefix }: ApplicationManifest, name: string, config: DeploymentConfig): Router {
    return new Router({ app, deployment: name }, initialReplicaSet(app, name, config, routePrefix), {
      ...routerPortsTo(app, name, { jurisdiction: config.placement.jurisdiction, compiledPrefix: routePrefix }),
      tasks: this.tasks,
      ...customPolicyOf(this.bound.get(`${app}/${name}`), (message) => writeLog("WARNING", message, undefined, currentScope())),
    });
  }

  #newInline({ name: app, routePrefix }: ApplicationManifest, name: string, config: DeploymentConfig): InlineTarget {
    if (this.inline === undefined)
      throw new ConfigError("The entry module is of an edge-serve without inline deployments. Run edge-serve build.");
    return this.inline.target({ app, config, routePrefix }, name);
  }

  /** Takes what is in force for a deployment, for the callers of this isolate. */
  learn(app: string, deployment: string, assignment: Assignment): void {
    const target = this.target(app, deployment);
    if (target instanceof Router) target.learn(assignment.set);
    else target.learn(assignment);
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
      router: routerOf(target),
      limits: config,
      now: Date.now,
      bindArgs: () => mapApplications(bound.args, (child) => this.handle(app, child.name)),
      userConfig: config.userConfig,
      routePrefix: application.routePrefix,
      control: {
        ...controlOf(scope.context, { config, set: initialReplicaSet(app, deployment, config, application.routePrefix) }),
        ...(this.inline === undefined ? {} : { guests: this.inline.guestsOf(scope) }),
      },
      env,
      state,
      receiveHandle: (ref) => this.receive(ref as HandleRef),
    });
  }

  /** The handle to a deployment; the same object each time. */
  handle(app: string, deployment?: string): DeploymentHandle<unknown> {
    const target = this.target(app, deployment);
    let handle = this.#handles.get(target);
    if (handle === undefined) this.#handles.set(target, (handle = createHandle<unknown>(target, callScope)));
    return handle;
  }

  /** The handle that a caller sent as an argument. */
  receive({ app, deployment, options }: HandleRef): DeploymentHandle<unknown> {
    return createHandle<unknown>(this.target(app, deployment), currentScope, options);
  }
}

function controlOf({ appName, deployment, replicaId, version, state }: ReplicaContext, compiled: ControlParts["compiled"]): ControlParts {
  const { kv } = state.storage;
  return {
    control: {
      // A new stub each time: one that has failed stays failed.
      report: async (report) => controllerOf(appName).report(report),
      load: () => kv.get<Remembered>(REMEMBERED),
      save: (remembered) => kv.put(REMEMBERED, remembered),
    },
    deployment,
    replica: replicaId,
    version,
    compiled,
    terminate: (reason) => state.abort(reason),
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
