/**
 * What replicas have to be told now.
 *
 * Level-triggered: an order follows from what the state says, so one that was lost in a crash is given again.
 */
import type { Assignment } from "../protocol/control.ts";
import type { ReplicaRef } from "../protocol/replica-set.ts";
import { assignmentOf } from "./assignment.ts";
import type { ApplicationState, DeploymentState } from "./state.ts";

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

/** What limits the orders that are taken. */
export interface OrderLimits {
  /** How many are taken at most. */
  readonly most: number;
  /** The replicas that one is on its way to. */
  readonly underway: Pick<ReadonlyMap<string, unknown>, "has">;
}

/**
 * The orders of a deployment that are due, but for replicas that one is on its way to. Notes in the state that they are given: store it
 * before giving them.
 */
export function takeOrders(application: ApplicationState, deployment: DeploymentState, nowMs: number, limits: OrderLimits): Order[] {
  const { replicas, name } = deployment;
  const { most, underway } = limits;
  const orders: Order[] = [];
  if (most <= 0) return orders;
  for (const replica of replicas.dueOrders(nowMs, !hasGivenUp(deployment))) {
    if (underway.has(replica.ref.name)) {
      // Should this object be lost, another looks again.
      replicas.update(replica, { retryAtMs: nowMs + LONG_ORDER_RETRY_MS }, false);
      continue;
    }
    const isStart = replicas.wantsStart(replica) && !hasGivenUp(deployment);
    // That it may be awake from now on must last; an order that is forgotten is given again.
    replicas.update(replica, { retryAtMs: nowMs + ORDER_RETRY_MS, ...(isStart ? { contactAtMs: nowMs } : {}) }, isStart);
    orders.push({ deployment: name, replica: replica.ref, isStart, assignment: assignmentOf(application, deployment, replica) });
    if (orders.length === most) break;
  }
  return orders;
}

/** When the next order of a deployment is due; `undefined` when none will be. */
export function nextOrderAtMs(deployment: DeploymentState, nowMs: number): number | undefined {
  return deployment.replicas.nextOrderAtMs(nowMs, !hasGivenUp(deployment));
}

/** Whether so many starts have failed that there is no point in another: not before something changes. */
export function hasGivenUp(deployment: DeploymentState): boolean {
  return deployment.startFailures >= startFailureLimit(deployment);
}

/** How many starts may fail in a row: three a replica, and at most `maxConstructorRetryCount`. Ray Serve's rule. */
export function startFailureLimit({ config, target }: Pick<DeploymentState, "config" | "target">): number {
  return Math.min(3 * Math.max(1, target), config.maxConstructorRetryCount);
}
