/**
 * What an autoscaling policy is given and answers, as an author writes it and as the controller asks it.
 */

/** Input of a custom autoscaling policy. */
export interface AutoscalingContext {
  readonly app: string;
  readonly deployment: string;
  readonly currentReplicas: number;
  readonly targetReplicas: number;
  /** Requests running or waiting in all replicas, over the look-back period. */
  readonly totalOngoingRequests: number;
  /** Results of the replicas' `recordAutoscalingStats`, by replica. */
  readonly stats: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** State that the policy returned last time. */
  readonly state: Readonly<Record<string, unknown>>;
}

/** Number of replicas that a policy wants, a fraction rounded up, and the state it wants to find next time. */
export type AutoscalingDecision = number | { readonly replicas: number; readonly state?: Readonly<Record<string, unknown>> };

/**
 * Decides how many replicas there should be.
 *
 * Given in code as `autoscaling.policy`, or named by a config file (`autoscaling_config.policy`), with its
 * `policy_kwargs` as `kwargs`; without a config file those are `{}`. Synchronous. One that throws, or returns no finite
 * number of at least 0, keeps the target; the status and the log say why.
 */
export type AutoscalingPolicy<K = Readonly<Record<string, unknown>>> = (context: AutoscalingContext, kwargs: K) => AutoscalingDecision;

/**
 * Decides for all autoscaled deployments of an application together, by name. One that it leaves out keeps its number
 * of replicas; factors, delays and bounds of each deployment apply.
 *
 * Named by a config file: `autoscaling_policy` of the application, with its `policy_kwargs` as `kwargs`.
 *
 * @example
 * export const share: ApplicationAutoscalingPolicy<{ budget: number }> = (contexts, { budget }) => {
 *   const all = Object.values(contexts).reduce((sum, { totalOngoingRequests }) => sum + totalOngoingRequests, 0);
 *   const part = (load: number) => (all === 0 ? 1 : Math.floor((budget * load) / all));
 *   return Object.fromEntries(Object.entries(contexts).map(([name, { totalOngoingRequests }]) => [name, part(totalOngoingRequests)]));
 * };
 */
export type ApplicationAutoscalingPolicy<K = Readonly<Record<string, unknown>>> = (
  contexts: Readonly<Record<string, AutoscalingContext>>,
  kwargs: K,
) => Readonly<Record<string, AutoscalingDecision>>;

/** What each `policy_function` of a configuration names, by {@link policyKey}. */
export type PolicyCode = Readonly<Record<string, unknown>>;

/** Whose policy it is: `<application>`, or `<application>/<deployment>`. */
export function policyKey(app: string, deployment?: string): string {
  return deployment === undefined ? app : `${app}/${deployment}`;
}
