/**
 * A replica that runs in its caller's isolate, without an object: what it is made of.
 */
import { type AnyApplication, mapApplications } from "../api/application.ts";
import { routerOf } from "../api/ingress.ts";
import type { ReplicaContext, ReplicaScope } from "../context/scope.ts";
import type { AnyHandle } from "../protocol/handle-types.ts";
import type { DeploymentConfig } from "../protocol/manifest.ts";
import type { TaskPort } from "../protocol/tasks.ts";
import type { AdmissionLimits } from "../replica/admission.ts";
import type { MakeKeyedControl } from "../replica/replica-ports.ts";
import { Replica } from "../replica/replica.ts";

/** What such a replica is made from. */
export interface InstanceParts extends Pick<ReplicaScope, "after" | "isUnshared"> {
  readonly bound: AnyApplication;
  /** See {@link ReplicaScope}. */
  readonly controlledBy?: string | undefined;
  readonly context: Omit<ReplicaContext, "deployment" | "state">;
  /** Why there is no `state`, in a sentence or two. */
  readonly noState: string;
  readonly logging: DeploymentConfig["logging"];
  readonly limits: AdmissionLimits & { readonly healthCheckTimeoutMs?: number };
  userConfig(): unknown;
  readonly routePrefix?: string | null;
  /** For the object of a key, where there are no objects. */
  readonly keyed?: MakeKeyedControl;
  now(): number;
  /** A handle to a deployment of the application or of another one. */
  handleTo(app: string, deployment?: string): AnyHandle;
  receiveHandle(ref: unknown): unknown;
  tasks(): TaskPort | undefined;
  /** Lets something go on although the request that began it has ended. */
  readonly keepAlive?: ((promise: Promise<unknown>) => void) | undefined;
}

/** An instance, and the scope of its code. */
export interface MadeInstance {
  readonly replica: Replica;
  readonly scope: ReplicaScope;
}

/** Makes one. The class is constructed with its first request. */
export function makeInstance(parts: InstanceParts): MadeInstance {
  const { bound, context, noState, logging, after, isUnshared, controlledBy, keyed, handleTo, tasks, keepAlive } = parts;
  const { target, isClass } = bound.deployment;
  const scope: ReplicaScope = {
    context: {
      ...context,
      deployment: bound.name,
      get state(): DurableObjectState {
        throw new Error(noState);
      },
    },
    logging,
    after,
    ...(isUnshared === true ? { isUnshared } : {}),
    ...(controlledBy === undefined ? {} : { controlledBy }),
    handleTo: (app, deployment) => handleTo(app, deployment),
    get tasks() {
      return tasks();
    },
  };
  const replica = new Replica({
    scope,
    target,
    isClass,
    router: routerOf(target),
    limits: parts.limits,
    now: parts.now,
    bindArgs: () => mapApplications(bound.args, (child) => handleTo(context.appName, child.name)),
    get userConfig() {
      return parts.userConfig();
    },
    ...(parts.routePrefix === undefined ? {} : { routePrefix: parts.routePrefix }),
    ...(keyed === undefined ? {} : { keyed }),
    env: context.env,
    state: keepAlive === undefined ? undefined : { waitUntil: keepAlive, props: {} },
    ...(isUnshared === true && keepAlive !== undefined ? { keepAlive } : {}),
    receiveHandle: parts.receiveHandle,
  });
  return { replica, scope };
}
