import type { ApplicationAutoscalingPolicy, AutoscalingPolicy } from "edge-serve";

/** One replica for each deployment, and what is left of the budget where the load is. */
export const share: ApplicationAutoscalingPolicy<{ budget: number }> = (contexts, { budget }) => {
  if (budget < 0) throw new RangeError(`there is no budget of ${budget}`);
  const deployments = Object.values(contexts);
  const load = deployments.reduce((sum, { totalOngoingRequests }) => sum + totalOngoingRequests, 0);
  const spare = budget - deployments.length;
  return Object.fromEntries(
    deployments.map(({ deployment, totalOngoingRequests }) => [
      deployment,
      1 + (load === 0 ? 0 : Math.floor((spare * totalOngoingRequests) / load)),
    ]),
  );
};

export const fixed: AutoscalingPolicy<{ replicas: number }> = (_, { replicas }) => replicas;
