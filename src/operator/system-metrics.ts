/**
 * All that is scraped: what the replicas have measured, and what their controllers know. Pure.
 */
import { type ApplicationMetrics, isShownAsSum, type Series, STARTS } from "../protocol/metrics.ts";
import type { ApplicationDetails, ApplicationStatus, DeploymentStatus } from "../protocol/status.ts";
import { APPLICATION, counter, DEPLOYMENT, DERIVED, gauge, MEASURED, REPLICA, SHADOWS } from "../observe/metric-definitions.ts";
import { expose, type Family, type Shown } from "./exposition.ts";
import { begunAt0, userFamilies, type UserSource } from "./user-families.ts";

/** What a controller answered; `undefined` when it did not. */
export interface Scraped {
  readonly app: string;
  readonly metrics: ApplicationMetrics | undefined;
}

/** How many shadows of an application ended so. */
export type ShadowsCounted = readonly [application: string, outcome: string, count: number];

/**
 * Writes what the controllers answered, how shadows have ended, and what code of the Worker has counted.
 *
 * @param worker What that has counted outside of replicas: its labels of application, deployment and replica are empty.
 */
export function systemMetrics(
  scraped: readonly Scraped[],
  shadows: readonly ShadowsCounted[] = [],
  worker?: UserSource["metrics"],
): string {
  const known = scraped.flatMap(({ metrics }) => metrics ?? []);
  return expose([
    [
      gauge("serve_controller_up", "Whether the controller answered.", APPLICATION),
      scraped.map(({ app, metrics }) => [[app], [metrics === undefined ? 0 : 1]]),
    ],
    ...(shadows.length === 0 ? [] : [shadowsIn(shadows)]),
    ...(known.length === 0 ? [] : [...statesIn(known), ...measuredIn(known)]),
    ...userFamilies([
      ...known.flatMap(({ details: { name: application }, replicas }) =>
        replicas.map((metrics) => ({ application: metrics.app ?? application, metrics })),
      ),
      ...(worker === undefined ? [] : [{ application: "", metrics: worker }]),
    ]),
  ]);
}

function shadowsIn(shadows: readonly ShadowsCounted[]): Family {
  return [SHADOWS, shadows.map(([application, outcome, count]): Shown => [[application, outcome], [count]])];
}

// Ray Serve's numbers begin at 1; 0 is a state that is not known here.
const APPLICATION_STATES: readonly ApplicationStatus[] = ["DEPLOY_FAILED", "UNHEALTHY", "NOT_STARTED", "DELETING", "DEPLOYING", "RUNNING"];
const DEPLOYMENT_STATES: readonly DeploymentStatus[] = ["DEPLOY_FAILED", "UNHEALTHY", "UPDATING", "UPSCALING", "DOWNSCALING", "HEALTHY"];

/** What there is to say of one deployment: the labels besides its own, and a number. */
type Look = (
  deployment: ApplicationDetails["deployments"][string],
  /** How many replicas its application has. */
  inAll: number,
) => readonly (readonly [labels: readonly (string | undefined)[], value: number])[];

// What controllers know, whether a replica has said anything or not.
function statesIn(known: readonly ApplicationMetrics[]): Family[] {
  const each = (look: Look) =>
    known.flatMap(({ details: { name, deployments } }) => {
      const inAll = Object.values(deployments).reduce((sum, { replicas }) => sum + replicas.length, 0);
      return Object.values(deployments).flatMap((one) =>
        look(one, inAll).map(([labels, value]): Shown => [[name, one.name, ...labels], [value]]),
      );
    });
  const legend = (states: readonly string[]) => states.map((state, index) => `${index + 1} ${state}`).join(", ");
  return [
    [
      gauge("serve_application_status", legend(APPLICATION_STATES), APPLICATION),
      known.map(({ details: { name, status } }) => [[name], [APPLICATION_STATES.indexOf(status) + 1]]),
    ],
    [
      gauge("serve_deployment_status", legend(DEPLOYMENT_STATES), DEPLOYMENT),
      each(({ status }) => [[[], DEPLOYMENT_STATES.indexOf(status) + 1]]),
    ],
    [
      gauge("serve_autoscaling_target_replicas", "Replicas wanted.", DEPLOYMENT),
      each(({ target_num_replicas: target }) => (target === null ? [] : [[[], target]])),
    ],
    [
      gauge("serve_deployment_replicas", "Replicas by state.", [...DEPLOYMENT, "state"]),
      each((one) =>
        one.inline === true ? [] : Object.entries({ RUNNING: 0, ...one.replica_states }).map(([state, count]) => [[state], count]),
      ),
    ],
    [
      gauge("serve_deployment_replica_healthy", "Whether the replica runs.", REPLICA),
      each(({ replicas }, inAll) => {
        const healthy = replicas.map(({ replica_id, state }) => [[replica_id], state === "RUNNING" ? 1 : 0] as const);
        return isShownAsSum(healthy.length, inAll) ? [[[undefined], healthy.reduce((sum, [, value]) => sum + value, 0)]] : healthy;
      }),
    ],
    [gauge("serve_deployment_epoch", "Changes of replicas or configuration.", DEPLOYMENT), each(({ epoch }) => [[[], epoch]])],
    [
      gauge("serve_autoscaling_total_requests", "Requests, for the autoscaler.", DEPLOYMENT),
      each(({ autoscaling_detail }) => (autoscaling_detail === undefined ? [] : [[[], autoscaling_detail.total_ongoing_requests]])),
    ],
    [
      counter("serve_deployment_replica_starts", "Replica starts.", REPLICA),
      known.flatMap(({ details: { name }, replicas }) =>
        replicas.flatMap(({ deployment, replica, isInline, starts, young = [] }): Shown[] => {
          const isYoung = young.some(([key]) => key === STARTS);
          return isInline === true ? [] : [[[name, deployment, replica], [isYoung ? 0 : starts]]];
        }),
      ),
    ],
  ];
}

function measuredIn(known: readonly ApplicationMetrics[]): Family[] {
  const measured = (key: string, take: (series: Series) => number | readonly number[] | undefined) =>
    known.flatMap(({ details: { name }, replicas }) =>
      replicas.flatMap(({ app = name, deployment, replica, series, young }) =>
        begunAt0(series[key], key, young).flatMap((one): readonly Shown[] => {
          const taken = take(one);
          return taken === undefined ? [] : [[[app, deployment, replica, ...one[0]], typeof taken === "number" ? [taken] : taken]];
        }),
      ),
    );
  return [
    ...Object.entries(MEASURED).map(([key, metric]): Family => [metric, measured(key, ([, numbers]) => numbers)]),
    ...DERIVED.map(([metric, key, take]): Family => [metric, measured(key, take)]),
  ];
}
