/**
 * Keyed deployments on workerd: the ways to the objects of keys, and what such an object is told, wired together.
 *
 * Imported by the entry modules of systems that have such a deployment, and by no others: what this imports is in their bundles only.
 */
import { env, waitUntil } from "cloudflare:workers";
import type { AnyApplication } from "../src/api/application.ts";
import { type ReplicaContext, RequestScope } from "../src/context/scope.ts";
import { sleep } from "../src/context/with-timeout.ts";
import { callScope } from "../src/handle/get-handle.ts";
import { createKeyedHandle } from "../src/handle/keyed-handle.ts";
import type { IngressTarget } from "../src/ingress/application-routes.ts";
import { KeyedIngress } from "../src/ingress/keyed-target.ts";
import type { Assignment } from "../src/protocol/control.ts";
import type { AnyHandle } from "../src/protocol/handle-types.ts";
import type { CompiledPlace } from "../src/protocol/http-request.ts";
import type { KeyedConfig } from "../src/protocol/keys.ts";
import type { DeploymentConfig } from "../src/protocol/manifest.ts";
import type { TaskPort } from "../src/protocol/tasks.ts";
import { KeyedControl, type RememberedKeyed } from "../src/replica/keyed-control.ts";
import { KeyedMeters, type KeyedMetersParts } from "../src/replica/keyed-meters.ts";
import type { MakeKeyedControl } from "../src/replica/replica-ports.ts";
import { logFetch } from "../src/replica/request-log.ts";
import { KeyedRouter } from "../src/router/keyed-router.ts";
import { keyedPortsTo } from "./connection.ts";
import { inForce } from "./control-plane.ts";
import { renewalOf } from "./renewal.ts";
import { ReplicaMemory } from "./replica-memory.ts";

/** The system, as far as keyed deployments use it. */
export interface KeyedSurroundings {
  /** Of the code that runs. */
  readonly version: string;
  readonly bound: ReadonlyMap<string, AnyApplication>;
  tasks(): TaskPort | undefined;
  /** Takes what is in force for a deployment. */
  learn(app: string, deployment: string, told: Assignment): void;
  /** Takes what is told of the keyed deployments of an application. */
  learnKeyed(app: string, configs: Readonly<Record<string, KeyedConfig>>): void;
}

/** A keyed deployment, as it was compiled. */
export interface KeyedDeployment {
  readonly app: string;
  readonly deployment: string;
  readonly config: DeploymentConfig;
  /** Where the application was compiled to be reached over HTTP. */
  readonly routePrefix: string | null;
  readonly place: CompiledPlace;
}

/** What a system with keyed deployments has besides. */
export interface KeyedSystem {
  /** The way to the objects of a deployment. */
  router(about: KeyedDeployment): KeyedRouter;
  handle(router: KeyedRouter): AnyHandle;
  /** Where HTTP requests go whose deployment is an application's ingress. */
  ingress(router: KeyedRouter): IngressTarget;
  /** What the object of a key has in the place of a controller. */
  control(context: ReplicaContext, compiled: Pick<KeyedDeployment, "config" | "routePrefix">): MakeKeyedControl;
}

function keptAlive(promise: Promise<unknown>): void {
  // It goes on as long as there is something else to do where the platform takes nothing to wait for.
  try {
    waitUntil(promise);
  } catch {}
}

/** Switches keyed deployments on: pass the result to `createWorker`. */
export function keyedDeployments(): (system: KeyedSurroundings) => KeyedSystem {
  return ({ version, bound, tasks, learn, learnKeyed }) => {
    const compiled = ({ config, routePrefix }: Pick<KeyedDeployment, "config" | "routePrefix">): KeyedConfig => ({
      epoch: 0,
      version,
      config,
      routePrefix,
    });
    const meters = new Map<string, KeyedMeters>();
    const metersOf = (app: string, deployment: string): KeyedMeters => {
      const name = `${app}/${deployment}`;
      let known = meters.get(name);
      if (known === undefined) {
        const tell: KeyedMetersParts["tell"] = (metrics, guest = name) => {
          const [toApp = "", toDeployment = ""] = guest.split("/");
          return inForce(toApp, toDeployment, { version, epoch: 0, metrics });
        };
        meters.set(name, (known = new KeyedMeters({ tell, keepAlive: keptAlive, now: Date.now, sleep })));
      }
      return known;
    };
    return {
      router(about) {
        const { app, deployment, config, place } = about;
        const renewed = { app, deployment, version, epoch: () => router.epoch };
        const ports = keyedPortsTo(app, deployment, { jurisdiction: config.placement.jurisdiction, place });
        const router: KeyedRouter = new KeyedRouter({ app, deployment }, compiled(about), {
          ...ports,
          disconnected(object) {
            ports.disconnected?.(object);
            // It may have run in this isolate, and have been the last one.
            metersOf(app, deployment).gone();
          },
          renew: renewalOf(renewed, (told) => learn(app, deployment, told)),
          tasks: tasks(),
        });
        return router;
      },
      handle: (router) => createKeyedHandle<unknown>(router, callScope),
      ingress(router) {
        const keyed = bound.get(`${router.app}/${router.deployment}`)?.deployment.given.keyed;
        const context = { appName: router.app, deployment: router.deployment, replicaId: "", env };
        return new KeyedIngress(
          router,
          typeof keyed === "object" ? keyed.key : () => undefined,
          ({ request, meta, status, startedAtMs }) => {
            const { logging } = router.config;
            if (!logging.accessLog) return;
            const scope = { replica: { context, logging }, request: new RequestScope(meta) };
            logFetch({ method: request.method, status }, request, startedAtMs, scope);
          },
        );
      },
      control({ appName, deployment, state }, about) {
        const memory = new ReplicaMemory<RememberedKeyed>(state.storage);
        const parts = {
          compiled: compiled(about),
          load: () => memory.load(),
          save: (remembered: RememberedKeyed) => memory.save(remembered),
          terminate: (reason: string) => state.abort(reason),
          learned: (told: KeyedConfig) => learnKeyed(appName, { [deployment]: told }),
        };
        return (object) => {
          object.meter.noted = metersOf(appName, deployment).of({
            measured: () => object.meter.snapshot(),
            heard: (snapshot) => object.meter.heard(snapshot),
          });
          return new KeyedControl(parts, object);
        };
      },
    };
  };
}
