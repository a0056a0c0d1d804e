/**
 * The autoscaling policies that a configuration names: where it names them, and under which key their code is handed around.
 */
import { policyKey } from "../protocol/autoscaling.ts";
import type { ApplicationManifest, PolicyRef } from "../protocol/manifest.ts";
import { own } from "../protocol/own.ts";
import type { DescribedApplication } from "./manifest.ts";

/** A policy, and where in the configuration it is named. */
export interface NamedPolicy {
  readonly key: string;
  readonly app: string;
  /** `undefined` for the application's. */
  readonly deployment?: string;
  readonly policy: PolicyRef;
  readonly path: readonly (string | number)[];
}

/** Every policy that a configuration names, in its order. */
export function namedPolicies(
  applications: readonly Pick<DescribedApplication, "name" | "autoscalingPolicy" | "deployments">[],
): NamedPolicy[] {
  return applications.flatMap(({ name: app, autoscalingPolicy, deployments }, index) => [
    ...(autoscalingPolicy === undefined
      ? []
      : [{ key: policyKey(app), app, policy: autoscalingPolicy, path: ["applications", index, "autoscaling_policy", "policy_function"] }]),
    ...deployments.flatMap(({ name: deployment, policy }, at) => {
      if (policy === undefined) return [];
      const path = ["applications", index, "deployments", at, "autoscaling_config", "policy", "policy_function"];
      return [{ key: policyKey(app, deployment), app, deployment, policy, path }];
    }),
  ]);
}

/** The policy of that key in a manifest. */
export function policyIn({ autoscalingPolicy, deployments }: ApplicationManifest, deployment?: string): PolicyRef | undefined {
  return deployment === undefined ? autoscalingPolicy : own(deployments, deployment)?.autoscaling?.policy;
}
