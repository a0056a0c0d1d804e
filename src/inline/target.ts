/**
 * An inline deployment, as its callers see it: each of them has an instance in its own isolate.
 *
 * Owns: the way of a call to the caller's instance, what is known of the deployment's configuration.
 * Does not own: which caller it is (host.ts), how values are copied (connection.ts), the instance (replica/).
 *
 * Invariants:
 *   T1. A call waits for nothing but its own instance: news of the configuration is asked for beside it.
 *   T2. In a Worker nothing waits for another request: there is no queue, and whoever finds no slot is refused.
 */
import type { AnyApplication } from "../api/application.ts";
import type { Cancellation } from "../protocol/cancellation.ts";
import type { Assignment } from "../protocol/control.ts";
import { decodeError } from "../protocol/error-codec.ts";
import type { AnyHandle } from "../protocol/handle-types.ts";
import type { DeploymentConfig, TasksConfig } from "../protocol/manifest.ts";
import type { Answer, CallRequest, Delivery, Refusal, RequestMeta } from "../protocol/messages.ts";
import { PlatformRequest } from "../protocol/platform-request.ts";
import { initialReplicaSet, type ReplicaSet, routerConfigOf } from "../protocol/replica-set.ts";
import type { MetricsSnapshot, SeriesByKey } from "../protocol/metrics.ts";
import type { TaskPort } from "../protocol/tasks.ts";
import type { Replica } from "../replica/replica.ts";
import { guarded } from "../router/lost-answer.ts";
import { allFull, explainFailure, isElsewhere, notThere } from "../router/route-errors.ts";
import type { ReplicaConnection } from "../router/router.ts";
import { connectionTo } from "./connection.ts";
import { type Guest, type Host, hostHere, setHost } from "./host.ts";
import { countsIn, grown } from "../observe/counted.ts";
import { makeInstance } from "./instance.ts";
import { WorkerPulse } from "./worker-pulse.ts";

/** What an inline deployment is. */
export interface InlineDeployment {
  readonly app: string;
  readonly bound: AnyApplication;
  readonly config: DeploymentConfig;
  /** Where the application was compiled to be reached over HTTP. */
  readonly routePrefix: string | null;
}

/** What it needs of wherever it runs. */
export interface InlinePorts {
  /** Of the code that runs. */
  readonly version: string;
  /** The caller that is no replica. */
  readonly worker: Host;
  now(): number;
  handleTo(app: string, deployment?: string): AnyHandle;
  receiveHandle(ref: unknown): unknown;
  tasks(): TaskPort | undefined;
  /** Asks beside the requests what is in force, where nobody else tells. Missing where it never changes. */
  renew?(): void;
  /** Tells what a Worker has counted, and asks what is in force; `undefined` if nobody knows. */
  readonly exchange?: (app: string, deployment: string, known: Known) => Promise<Assignment | undefined>;
  readonly sleep?: (ms: number) => Promise<void>;
  readonly keepAlive?: (promise: Promise<unknown>) => void;
}

/** What whoever asks knows. */
export interface Known {
  /** Of what is in force. */
  readonly epoch: number;
  /** What has been counted in a Worker since it told the last time. */
  readonly counted?: MetricsSnapshot | undefined;
}

/** A caller's instance, and the way to it. */
interface Instance extends Guest {
  readonly connection: ReplicaConnection;
  readonly mode: Delivery["mode"];
  /** Whether there may be another configuration for it. */
  isStale(): boolean;
  /** What tells and asks for it, in a Worker. */
  readonly pulse: WorkerPulse | undefined;
}

/** An HTTP request whose answer is not asked for twice: nothing of it need be kept. */
interface Unkept {
  request(): Request;
}

let deliveries = 0;

export class InlineTarget {
  readonly app: string;
  readonly deployment: string;
  /** The ingress counts what is answered in it. */
  readonly isUncounted = true as const;
  readonly #about: InlineDeployment;
  readonly #ports: InlinePorts;
  #config: DeploymentConfig;
  #set: ReplicaSet;

  constructor(about: InlineDeployment, ports: InlinePorts) {
    const { app, bound, config, routePrefix } = about;
    this.app = app;
    this.deployment = bound.name;
    this.#about = about;
    this.#ports = ports;
    this.#config = config;
    this.#set = initialReplicaSet(app, bound.name, config, routePrefix);
  }

  /** Deadline of a request in milliseconds, if the deployment has one. */
  get requestTimeoutMs(): number | null {
    return this.#configAt(hostHere(this.#ports.worker)).requestTimeoutMs;
  }

  get isGone(): boolean {
    return this.#set.isGone === true;
  }

  get tasksConfig(): TasksConfig | undefined {
    return undefined;
  }

  /** Nothing keeps what is enqueued. */
  get takesTasks(): boolean {
    return false;
  }

  get tasks(): TaskPort | undefined {
    return this.#ports.tasks();
  }

  get routePrefix(): string | null {
    return this.isGone ? null : this.#set.routePrefix;
  }

  /** Of what is known. */
  get epoch(): number {
    return this.#set.epoch;
  }

  get routing(): number {
    return this.#set.routing ?? 0;
  }

  /** Takes what is in force, unless it knows something newer, or that is of other code. */
  learn({ set, config, version }: Pick<Assignment, "set" | "config" | "version">): void {
    if (set.epoch <= this.#set.epoch || version !== this.#ports.version) return;
    this.#set = set;
    this.#config = config;
  }

  /** Runs a call in the caller's instance. Rejects only with errors of edge-serve; what the method threw is in the reply. */
  async call(request: CallRequest, cancellation?: Cancellation): Promise<Answer> {
    const { connection, mode } = this.#here(request.meta);
    const delivery: Delivery = { id: `inline.${deliveries++}`, mode };
    cancellation?.check();
    cancellation?.listen((reason) => connection.cancel(delivery.id, reason));
    try {
      const reply = await connection.call(request, delivery);
      if (reply.kind === "refused") throw this.#refused(reply);
      return reply.kind === "value" && reply.source === undefined ? reply : guarded(reply, (error) => error);
    } catch (error) {
      cancellation?.check();
      throw explainFailure(error, this, request.method);
    } finally {
      cancellation?.listen(undefined);
    }
  }

  /** Runs a call in the one instance that the caller has. */
  broadcast(request: CallRequest, cancellation?: Cancellation): Promise<PromiseSettledResult<Answer>[]> {
    return Promise.allSettled([this.call(request, cancellation)]);
  }

  /** An HTTP request is given to the instance as it is. */
  async prepare(request: Request): Promise<Unkept> {
    return { request: () => request };
  }

  /** Gives an HTTP request to the caller's instance. */
  async fetch(request: Request | Unkept, meta: RequestMeta): Promise<Response> {
    const { connection, mode } = this.#here(meta);
    const given = request instanceof PlatformRequest ? request : request.request();
    // A request that came in is the platform's: what is left of its body is thrown away when it has been answered, also where the
    // answer sends it back. That of a copy is the handler's.
    const own = given.body === null ? given : new PlatformRequest(given);
    const answer = await connection.fetch(own, meta, { id: `inline.${deliveries++}`, mode });
    if (answer instanceof Response) return answer;
    throw this.#refused(answer);
  }

  /** The caller's instance. */
  #here(meta: RequestMeta): Instance {
    if (isElsewhere(this.#set, meta)) {
      this.#ports.renew?.();
      throw notThere(this, this.#set);
    }
    const host = hostHere(this.#ports.worker);
    const instance = host.guest(this, this.#make) as Instance;
    const { pulse } = instance;
    if (pulse !== undefined) {
      const beat = pulse.beat();
      if (beat !== undefined) this.#beside(beat);
    } else this.#ports.renew?.();
    if (instance.isStale()) this.#beside(instance.configure());
    return instance;
  }

  #refused({ failedStart }: Refusal): unknown {
    if (failedStart !== undefined) return decodeError(failedStart);
    const config = this.#configAt(hostHere(this.#ports.worker));
    return allFull(this, { ...this.#set, replicas: [{ name: "" }], config: routerConfigOf(config) });
  }

  #configAt(host: Host): DeploymentConfig {
    return host.configOf(this.app, this.deployment) ?? this.#config;
  }

  // What fails is tried again, or has been logged.
  #beside(work: Promise<unknown>): void {
    const ended = work.catch(() => {});
    this.#ports.keepAlive?.(ended);
  }

  #pulseOf(replica: Replica): WorkerPulse | undefined {
    const { exchange, sleep, now } = this.#ports;
    if (exchange === undefined || sleep === undefined) return undefined;
    let told: SeriesByKey = {};
    return new WorkerPulse({
      now,
      sleep,
      isBusy: () => replica.load.ongoing > 0,
      exchange: async () => {
        const measured = replica.uncontrolled.measured();
        const all = countsIn(measured.series);
        const more = grown(told, all);
        const counted = Object.keys(more).length === 0 ? undefined : { ...measured, startedAtMs: 0, series: more };
        const assignment = await exchange(this.app, this.deployment, { epoch: this.epoch, counted });
        told = all;
        if (assignment !== undefined) this.learn(assignment);
      },
    });
  }

  readonly #make = (host: Host): Instance => {
    const { bound, app, routePrefix } = this.#about;
    const { version } = this.#ports;
    const { replicaId, env, after, isUnshared, controlledBy, keepAlive } = host.parts;
    const limitsOf = (of: DeploymentConfig) => (isUnshared === true ? { ...of, maxQueuedRequests: 0 } : of);
    let config = this.#configAt(host);
    const { replica, scope } = makeInstance({
      ...this.#ports,
      bound,
      context: { appName: app, replicaId, ordinal: 0, version, env: env as Cloudflare.Env },
      noState:
        `Deployment ${JSON.stringify(bound.name)} is inline (placement: "inline"): it has no Durable Object, so ` +
        "getReplicaContext().state does not exist. Leave placement out if it needs storage.",
      logging: config.logging,
      after,
      ...(isUnshared === true ? { isUnshared } : {}),
      controlledBy,
      limits: limitsOf(config),
      userConfig: () => this.#configAt(host).userConfig,
      routePrefix,
      keepAlive,
    });
    setHost(scope, host);
    return {
      app,
      deployment: bound.name,
      replica,
      connection: connectionTo(replica),
      mode: isUnshared === true ? "claim" : "queue",
      pulse: isUnshared === true ? this.#pulseOf(replica) : undefined,
      isStale: () => config !== this.#configAt(host),
      configure: async () => {
        const before = config;
        config = this.#configAt(host);
        if (config !== before && JSON.stringify(config) !== JSON.stringify(before)) await replica.uncontrolled.configure(limitsOf(config));
      },
    };
  };
}
