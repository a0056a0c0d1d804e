/**
 * Which function decides how many replicas a deployment has.
 *
 * An application's policy goes before its deployments' own, and one that the configuration names before one in code.
 */
import { type ApplicationAutoscalingPolicy, type AutoscalingPolicy, type PolicyCode, policyKey } from "../protocol/autoscaling.ts";
import type { PolicyRef } from "../protocol/manifest.ts";
import { own } from "../protocol/own.ts";
import type { AskedApplicationPolicy, AskedPolicy } from "./autoscale/policy.ts";
import type { ApplicationState, DeploymentState } from "./state.ts";

/** The code of an application's policies. */
export interface Policies {
  /** By deployment, as its options in code have it. */
  readonly own?: Readonly<Record<string, AutoscalingPolicy>>;
  /** By deployment, as the configuration names it; it is also given the configuration's `policy_kwargs`. */
  readonly named?: Readonly<Record<string, AutoscalingPolicy>>;
  /** The application's, as the configuration names it. */
  readonly application?: ApplicationAutoscalingPolicy | undefined;
}

/** The part of a bound deployment that may hold a policy. */
export interface BoundPolicy {
  readonly name: string;
  readonly deployment: { readonly given: { readonly autoscaling?: { readonly policy?: AutoscalingPolicy } } };
}

/**
 * Finds the policies of one application in the code that the entry module imports.
 *
 * @param bound The bound deployments, by `<application>/<deployment>`.
 * @param code What the configuration names; that it is functions was seen when it was compiled.
 */
export function policiesOf(app: string, bound: ReadonlyMap<string, BoundPolicy>, code: PolicyCode): Policies {
  const inCode: Record<string, AutoscalingPolicy> = {};
  const named: Record<string, AutoscalingPolicy> = {};
  for (const [key, { name, deployment }] of bound) {
    if (key !== policyKey(app, name)) continue;
    const policy = deployment.given.autoscaling?.policy;
    if (policy !== undefined) inCode[name] = policy;
    const policyCode = own(code, key);
    if (policyCode !== undefined) named[name] = policyCode as AutoscalingPolicy;
  }
  return { own: inCode, named, application: own(code, policyKey(app)) as ApplicationAutoscalingPolicy | undefined };
}

/** The policy that decides for all deployments, where the configuration has one. */
export function applicationPolicy(
  { desired }: Pick<ApplicationState, "desired">,
  { application }: Policies,
): AskedApplicationPolicy | undefined {
  const ref = desired?.autoscalingPolicy;
  return ref === undefined || application === undefined ? undefined : (contexts) => application(contexts, kwargsOf(ref));
}

/** The policy that decides for one deployment; `undefined` where the load does. */
export function deploymentPolicy(
  { name, config }: Pick<DeploymentState, "name" | "config">,
  { own: inCode = {}, named = {} }: Policies,
): AskedPolicy | undefined {
  const ref = config.autoscaling?.policy;
  const policy = own(ref === undefined ? inCode : named, name);
  return policy === undefined ? undefined : (context) => policy(context, ref === undefined ? {} : kwargsOf(ref));
}

// The configuration is stored: what a policy does to the object must not change it.
function kwargsOf({ policyKwargs = {} }: PolicyRef): Readonly<Record<string, unknown>> {
  return structuredClone(policyKwargs);
}
