/** The autoscaling policies of an application, from the code that the entry module imports. */
import type { Application } from "../api/application.ts";
import { type PolicyCode, policyKey } from "../compile/policies.ts";
import type { ApplicationAutoscalingPolicy, AutoscalingPolicy } from "../controller/autoscale/policy.ts";
import { own } from "../protocol/own.ts";
import type { NamedPolicy, Policies } from "../controller/policies.ts";

/**
 * Finds the policies of one application.
 *
 * @param bound The bound deployments, by `<application>/<deployment>`.
 * @param code What the configuration names; that it is functions was seen when it was compiled.
 */
export function policiesOf(app: string, bound: ReadonlyMap<string, Application>, code: PolicyCode): Policies {
  const inCode: Record<string, AutoscalingPolicy> = {};
  const named: Record<string, NamedPolicy<AutoscalingPolicy>> = {};
  for (const [key, { name, deployment }] of bound) {
    if (key !== policyKey(app, name)) continue;
    const policy = deployment.given.autoscaling?.policy;
    if (policy !== undefined) inCode[name] = (context) => policy(context, {});
    const policyCode = own(code, key);
    if (policyCode !== undefined) named[name] = policyCode as NamedPolicy<AutoscalingPolicy>;
  }
  return { own: inCode, named, application: own(code, policyKey(app)) as NamedPolicy<ApplicationAutoscalingPolicy> | undefined };
}
