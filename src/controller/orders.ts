/**
 * What replicas have to be told now.
 *
 * Level-triggered: an order follows from what the state says, so one that was lost in a crash is given again.
 */
import type { Assignment } from "../protocol/control.ts";
import type { ReplicaRef } from "../protocol/replica-set.ts";
import { assignmentOf } from "./assignment.ts";
import { mayBeAwake } from "./replica-list.ts";
import type { ApplicationState, DeploymentState, ReplicaState } from "./state.ts";

/** Something to tell a replica. To start is to be woken; everything else is for those that are awake. */
export interface Order {
  readonly deployment: string;
  readonly replica: ReplicaRef;
  readonly isStart: boolean;
  readonly assignment: Assignment;
}

/** How long until an order whose outcome never came, because the controller's object was lost, is given again. */
const ORDER_RETRY_MS = 2000;
/** The same for one that has taken longer than that: a large model loads. */
const LONG_ORDER_RETRY_MS = 10_000;

/** The orders that are due, but for replicas that one is on its way to. Notes in the state that they are given: store it before giving them. */
export function takeOrders(application: ApplicationState, nowMs: number, underway: ReadonlySet<string>): Order[] {
  return Object.values(application.deployments).flatMap((deployment) =>
    deployment.replicas.flatMap((replica) => {
      const isStart = wantsStart(application, deployment, replica);
      if (nowMs < replica.retryAtMs || (!isStart && !wantsNews(deployment, replica, nowMs))) return [];
      if (underway.has(replica.ref.name)) {
        // Should this object be lost, another looks again.
        replica.retryAtMs = nowMs + LONG_ORDER_RETRY_MS;
        return [];
      }
      replica.retryAtMs = nowMs + ORDER_RETRY_MS;
      if (isStart) replica.contactAtMs = nowMs;
      const assignment = assignmentOf(application, deployment, replica);
      return [{ deployment: deployment.name, replica: replica.ref, isStart, assignment }];
    }),
  );
}

/** When the next order is due; `undefined` when none will be. */
export function nextOrderAtMs(application: ApplicationState, nowMs: number): number | undefined {
  const times = Object.values(application.deployments).flatMap((deployment) =>
    deployment.replicas
      .filter((replica) => wantsStart(application, deployment, replica) || wantsNews(deployment, replica, nowMs))
      .map(({ retryAtMs }) => retryAtMs),
  );
  return times.length === 0 ? undefined : Math.min(...times);
}

function wantsStart({ version }: ApplicationState, deployment: DeploymentState, replica: ReplicaState): boolean {
  if (hasGivenUp(deployment)) return false;
  return replica.phase === "STARTING" || (replica.phase === "RUNNING" && replica.version !== version);
}

function wantsNews({ epoch }: DeploymentState, replica: ReplicaState, nowMs: number): boolean {
  return replica.epoch < epoch && mayBeAwake(replica, nowMs) && replica.phase !== "STARTING";
}

/** Whether so many starts have failed that there is no point in another: not before something changes. */
export function hasGivenUp(deployment: DeploymentState): boolean {
  return deployment.startFailures >= startFailureLimit(deployment);
}

/** How many starts may fail in a row: three a replica, and at most `maxConstructorRetryCount`. Ray Serve's rule. */
export function startFailureLimit({ config, target }: DeploymentState): number {
  return Math.min(3 * Math.max(1, target), config.maxConstructorRetryCount);
}
