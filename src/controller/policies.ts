/**
 * Which function decides how many replicas a deployment has.
 *
 * An application's policy goes before its deployments' own, and one that the configuration names before one in code.
 */
import type { PolicyRef } from "../protocol/manifest.ts";
import { own } from "../protocol/own.ts";
import type { ApplicationAutoscalingPolicy, AutoscalingPolicy } from "./autoscale/policy.ts";
import type { ApplicationState, DeploymentState } from "./state.ts";

/** A policy that the configuration names, which is also given the configuration's `policy_kwargs`. */
export type NamedPolicy<P extends (given: never) => unknown> = (
  given: Parameters<P>[0],
  kwargs: Readonly<Record<string, unknown>>,
) => ReturnType<P>;

/** The code of an application's policies. */
export interface Policies {
  /** By deployment, as its options in code have it. */
  readonly own?: Readonly<Record<string, AutoscalingPolicy>>;
  /** By deployment, as the configuration names it. */
  readonly named?: Readonly<Record<string, NamedPolicy<AutoscalingPolicy>>>;
  /** The application's, as the configuration names it. */
  readonly application?: NamedPolicy<ApplicationAutoscalingPolicy> | undefined;
}

/** The policy that decides for all deployments, where the configuration has one. */
export function applicationPolicy({ desired }: ApplicationState, { application }: Policies): ApplicationAutoscalingPolicy | undefined {
  const ref = desired?.autoscalingPolicy;
  return ref === undefined || application === undefined ? undefined : (contexts) => application(contexts, kwargsOf(ref));
}

/** The policy that decides for one deployment; `undefined` where the load does. */
export function deploymentPolicy(
  { name, config }: DeploymentState,
  { own: inCode = {}, named = {} }: Policies,
): AutoscalingPolicy | undefined {
  const ref = config.autoscaling?.policy;
  if (ref === undefined) return own(inCode, name);
  const policy = own(named, name);
  return policy === undefined ? undefined : (context) => policy(context, kwargsOf(ref));
}

// The configuration is stored: what a policy does to the object must not change it.
function kwargsOf({ policyKwargs = {} }: PolicyRef): Readonly<Record<string, unknown>> {
  return structuredClone(policyKwargs);
}
