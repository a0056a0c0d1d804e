/**
 * `edge-serve/worker`: what the compiled entry module imports. Wires the rooms together on workerd.
 */
import { DurableObject, exports as workerExports, waitUntil } from "cloudflare:workers";
import { ENVELOPE_IN_CF, REFUSED_STATUS, refusalOf, type ReplicaRpc, replicaClass } from "../durable-objects/replica.ts";
import { whenSentOrClosed } from "../durable-objects/response-sent.ts";
import { type Application, deploymentsOf, mapApplications } from "./api/application.ts";
import { routerOf } from "./api/ingress.ts";
import { resolveApplication } from "./api/resolve-application.ts";
import type { ReplicaScope } from "./context/scope.ts";
import { createHandle } from "./handle/handle.ts";
import { createIngress } from "./ingress/ingress.ts";
import type { rpcEndpoint } from "./ingress/rpc.ts";
import { encodeError } from "./protocol/error-codec.ts";
import { decodeReply, encodeEnvelope, type WireReply } from "./protocol/envelope.ts";
import { ConfigError } from "./protocol/errors.ts";
import type { DeploymentHandle } from "./protocol/handle-types.ts";
import type { ApplicationManifest, Manifest } from "./protocol/manifest.ts";
import type { CallRequest, Delivery, HandleRef, Refusal, Reply, RequestMeta, Reservation } from "./protocol/messages.ts";
import { classNameOf, parseReplicaId } from "./protocol/names.ts";
import { Replica } from "./replica/replica.ts";
import { initialReplicaSet } from "./router/replica-set.ts";
import { customPolicyOf } from "./router/policies/custom.ts";
import { type ReplicaConnection, Router, type RouterPorts } from "./router/router.ts";

export { describeSystem } from "./compile/manifest.ts";
export { rpcEndpoint } from "./ingress/rpc.ts";
export type { Manifest } from "./protocol/manifest.ts";

/** What the entry module exports from. */
export interface CompiledWorker {
  /** The Durable Object class whose instances are the replicas of a deployment. */
  Replica(app: string, deployment: string): ReturnType<typeof replicaClass>;
  /** The class of a deployment that is gone, kept so that its objects are. */
  readonly Retired: new (state: DurableObjectState, env: Cloudflare.Env) => DurableObject;
  /** The Worker that routes HTTP to the applications. */
  readonly ingress: { fetch(request: Request, env: unknown): Promise<Response> };
}

/** What a build may switch on. */
export interface WorkerFeatures {
  /** Lets authenticated callers outside the Worker call handles. */
  readonly rpc?: ReturnType<typeof rpcEndpoint>;
}

/**
 * Makes a system run.
 *
 * @param manifest What was compiled.
 * @param code What each application's `import_path` names, by application.
 */
export function createWorker(manifest: Manifest, code: Readonly<Record<string, unknown>>, features: WorkerFeatures = {}): CompiledWorker {
  const system = new System(manifest, code);
  const rpc = features.rpc?.((app, deployment) => system.router(app, deployment));
  const ingress = createIngress({
    manifest,
    targetOf: (app) => system.router(app),
    ...(rpc === undefined ? {} : { system: rpc }),
  });
  return {
    Replica: (app, deployment) => replicaClass((state, env) => system.makeReplica(app, deployment, state, env)),
    Retired: class extends DurableObject<Cloudflare.Env> {},
    ingress: { fetch: (request, env) => ingress(request, { env, keepAlive: waitUntil }) },
  };
}

/** What one isolate knows of the system: plain data and code, shared by all requests. */
class System {
  readonly #manifest: Manifest;
  readonly #applications = new Map<string, ApplicationManifest>();
  readonly #bound = new Map<string, Application>();
  readonly #routers = new Map<string, Router>();
  readonly #handles = new Map<Router, DeploymentHandle<unknown>>();

  constructor(manifest: Manifest, code: Readonly<Record<string, unknown>>) {
    this.#manifest = manifest;
    for (const application of manifest.applications) {
      this.#applications.set(application.name, application);
      const root = resolveApplication(application.name, code[application.name], application.args);
      for (const bound of deploymentsOf(root, application.name)) this.#bound.set(`${application.name}/${bound.name}`, bound);
    }
  }

  /** The router to a deployment; to the application's ingress deployment if none is named. */
  router(app: string, deployment?: string): Router {
    const application = this.#applications.get(app);
    if (application === undefined) throw unknownName("application", app, [...this.#applications.keys()]);
    const name = deployment ?? application.ingress;
    const key = `${app}/${name}`;
    let router = this.#routers.get(key);
    if (router === undefined) {
      const config = application.deployments[name];
      if (config === undefined) throw unknownName("deployment", name, Object.keys(application.deployments), app);
      router = new Router({ app, deployment: name }, initialReplicaSet(app, name, config), config, {
        ...portsOf(app, name, config.placement.jurisdiction),
        ...customPolicyOf(this.#bound.get(key)),
      });
      this.#routers.set(key, router);
    }
    return router;
  }

  makeReplica(app: string, deployment: string, state: DurableObjectState, env: unknown): Replica {
    const bound = this.#bound.get(`${app}/${deployment}`);
    const config = this.#applications.get(app)?.deployments[deployment];
    if (bound === undefined || config === undefined) throw unknownName("deployment", deployment, [...this.#bound.keys()]);
    const { target, isClass } = bound.deployment;
    const replicaId = state.id.name ?? state.id.toString();
    const scope: ReplicaScope = {
      context: {
        appName: app,
        deployment,
        replicaId,
        ordinal: parseReplicaId(replicaId)?.ordinal ?? 0,
        version: this.#manifest.version,
        env: env as Cloudflare.Env,
        state,
      },
      logging: config.logging,
      handleTo: (toApp, toDeployment) => this.handle(toApp, toDeployment),
    };
    return new Replica({
      scope,
      target,
      isClass,
      router: routerOf(target),
      limits: config,
      now: Date.now,
      whenSent: whenSentOrClosed,
      bindArgs: () => mapApplications(bound.args, (application) => this.handle(app, application.name)),
      userConfig: config.userConfig,
      env,
      state,
      receiveHandle: (ref) => this.#receive(ref as HandleRef),
    });
  }

  /** The handle to a deployment; the same object each time. */
  handle(app: string, deployment?: string): DeploymentHandle<unknown> {
    const router = this.router(app, deployment);
    let handle = this.#handles.get(router);
    if (handle === undefined) this.#handles.set(router, (handle = createHandle<unknown>(router)));
    return handle;
  }

  #receive({ app, deployment, options }: HandleRef): DeploymentHandle<unknown> {
    return createHandle<unknown>(this.router(app, deployment), options);
  }
}

function unknownName(kind: string, name: string, known: readonly string[], app?: string): ConfigError {
  const where = app === undefined ? "" : ` in application ${JSON.stringify(app)}`;
  return new ConfigError(`There is no ${kind} ${JSON.stringify(name)}${where}. There is: ${known.join(", ")}.`);
}

// Declared by hand: the platform's own type maps every argument and result to what RPC makes of it, which for
// our recursive messages never ends, and they are plain data but for a stream's stub.
interface ReplicaStub extends ReplicaRpc {
  fetch(request: Request, init: { readonly cf: object }): Promise<Response>;
}

interface Namespace {
  getByName(name: string, options: { locationHint?: string }): ReplicaStub;
  jurisdiction(jurisdiction: string): Namespace;
}

function portsOf(app: string, deployment: string, jurisdiction: string | undefined): RouterPorts {
  const className = classNameOf(app, deployment);
  // Looked up when first used: at the top level of the entry module its exports are not there yet.
  let namespace: Namespace | undefined;
  return {
    random: Math.random,
    now: Date.now,
    keepAlive: waitUntil,
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    connect({ name, locationHint }) {
      namespace ??= namespaceOf(className, jurisdiction);
      const stub = namespace.getByName(name, locationHint === undefined ? {} : { locationHint });
      return new StubConnection(stub);
    },
  };
}

function namespaceOf(className: string, jurisdiction: string | undefined): Namespace {
  const namespace = (workerExports as unknown as Record<string, Namespace | undefined>)[className];
  if (namespace === undefined) {
    throw new ConfigError(`The Worker has no Durable Object class ${className}. Run edge-serve build, and deploy what it wrote.`);
  }
  if (jurisdiction === undefined) return namespace;
  try {
    return namespace.jurisdiction(jurisdiction);
  } catch (error) {
    // workerd on its own has no jurisdictions: locally the objects are where everything is.
    if (error instanceof Error && error.message.includes("not implemented in workerd")) return namespace;
    throw error;
  }
}

// A class, because this is made for every request, and methods of a prototype are not.
class StubConnection implements ReplicaConnection {
  readonly #stub: ReplicaStub;

  constructor(stub: ReplicaStub) {
    this.#stub = stub;
  }

  call(request: CallRequest): Promise<Reply> {
    return this.#call(request).then(decodeReply);
  }

  #call({ meta, delivery, method, args, handleArgs }: CallRequest): Promise<WireReply> {
    const envelope = encodeEnvelope(meta, delivery!);
    const started = delivery?.started;
    // What there is not is not sent: each argument is looked at on its way out and in.
    if (handleArgs === undefined && started === undefined)
      return args.length === 0 ? this.#stub.call(envelope, method) : this.#stub.call(envelope, method, args);
    return this.#stub.call(envelope, method, args, {
      ...(handleArgs === undefined ? {} : { handleArgs }),
      ...(started === undefined ? {} : { started }),
    });
  }

  async fetch(request: Request, meta: RequestMeta, delivery: Delivery): Promise<Response | Refusal> {
    // Handed to `fetch`, where it costs a third of what a `Request` made for it does.
    const response = await this.#stub.fetch(request, { cf: { ...request.cf, [ENVELOPE_IN_CF]: encodeEnvelope(meta, delivery) } });
    return response.status === REFUSED_STATUS ? (refusalOf(response) ?? response) : response;
  }

  reserve(meta: RequestMeta, delivery: Delivery): Promise<Reservation> {
    return this.#stub.reserve(meta, delivery);
  }

  cancel(id: string, reason: unknown): void {
    // The replica may be gone, and the request with it.
    this.#stub.cancel(id, encodeError(reason)).catch(() => {});
  }
}
