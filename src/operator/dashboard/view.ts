/**
 * What the dashboard shows of a system: what is wrong, and how everything is. Pure.
 *
 * Owns: what counts as wrong. Does not own: states and messages (the controllers'), how it looks (page.ts).
 */
import type { Scraped } from "../system-metrics.ts";
import type { ApplicationMetrics } from "../../protocol/metrics.ts";
import type { ApplicationDetails, DeploymentDetails, ReplicaDetails } from "../../protocol/status.ts";
import { type DeploymentHistory, historyOf } from "./history.ts";
import { type Measured, measuredBy } from "./summary.ts";

/** How much something asks for: nothing, patience, or somebody. */
export type Level = "good" | "changing" | "bad";

/** Something to know before anything else. */
export interface Notice {
  readonly level: Exclude<Level, "good">;
  readonly text: string;
  /** More of it, where there is more. */
  readonly message: string;
}

export interface SystemView {
  readonly level: Level;
  /** What is bad first. */
  readonly notices: readonly Notice[];
  readonly applications: readonly ApplicationView[];
}

export interface ApplicationView {
  readonly name: string;
  /** `undefined` when its controller did not answer. */
  readonly details: ApplicationDetails | undefined;
  readonly level: Level;
  readonly deployments: readonly DeploymentView[];
}

export interface DeploymentView {
  readonly details: DeploymentDetails;
  readonly level: Level;
  readonly isIngress: boolean;
  readonly measured: Measured;
  /** `undefined` if nothing is known of the last hour. */
  readonly history: DeploymentHistory | undefined;
  readonly replicas: readonly ReplicaView[];
}

export interface ReplicaView {
  readonly details: ReplicaDetails;
  readonly level: Level;
  readonly starts: number;
  readonly measured: Measured;
}

/** From what the controllers answered to what is shown. */
export function viewOf(scraped: readonly Scraped[]): SystemView {
  const applications = scraped.map(({ app, metrics }) => applicationView(app, metrics));
  const all = applications.flatMap(noticesOf);
  const notices = [...all.filter(({ level }) => level === "bad"), ...all.filter(({ level }) => level !== "bad")];
  return { level: notices[0]?.level ?? "good", notices, applications };
}

function applicationView(name: string, metrics: ApplicationMetrics | undefined): ApplicationView {
  if (metrics === undefined) return { name, details: undefined, level: "bad", deployments: [] };
  const { details } = metrics;
  const deployments = Object.values(details.deployments).map((one) => deploymentView(one, details.ingress, metrics));
  return { name, details, level: levelOf(details.status), deployments };
}

function deploymentView(
  details: DeploymentDetails,
  ingress: string,
  { replicas, details: { name }, history = [] }: ApplicationMetrics,
): DeploymentView {
  const own = replicas.filter(({ app = name, deployment }) => app === name && deployment === details.name);
  return {
    details,
    level: levelOf(details.status),
    isIngress: details.name === ingress,
    measured: measuredBy(own.map(({ series }) => series)),
    history: historyOf(history, details.name),
    replicas: details.replicas.map((one) => {
      const measured = own.find(({ replica }) => replica === one.replica_id);
      return {
        details: one,
        level: levelOf(one.state),
        starts: measured?.starts ?? 0,
        measured: measuredBy(measured === undefined ? [] : [measured.series]),
      };
    }),
  };
}

type State = ApplicationDetails["status"] | DeploymentDetails["status"] | ReplicaDetails["state"];

const GOOD: readonly State[] = ["RUNNING", "HEALTHY"];
const BAD: readonly State[] = ["UNHEALTHY", "DEPLOY_FAILED"];

// Whatever is neither is on its way.
function levelOf(state: State): Level {
  return GOOD.includes(state) ? "good" : BAD.includes(state) ? "bad" : "changing";
}

// An application whose deployments say what is the matter need not say it again.
function noticesOf({ name, details, level, deployments }: ApplicationView): Notice[] {
  if (details === undefined)
    return [{ level: "bad", text: `The controller of ${name} did not answer.`, message: "It still serves; its status is unknown." }];
  const own = deployments.flatMap((one) => deploymentNotices(name, one));
  if (level === "good" || own.some((notice) => notice.level === level)) return own;
  return [{ level, text: `${name} is ${details.status}.`, message: details.message }, ...own];
}

function deploymentNotices(app: string, { details, level, replicas, measured }: DeploymentView): Notice[] {
  const name = `${app}/${details.name}`;
  const notices: Notice[] = [];
  if (level !== "good")
    notices.push({
      level,
      text: `${name} is ${details.status} (${details.status_trigger}).`,
      message: [details.message, details.stack].join("\n").trim(),
    });
  for (const { details: replica, level: own } of replicas) {
    if (own === "bad") notices.push({ level: own, text: `${replica.replica_id} is ${replica.state}.`, message: replica.message ?? "" });
  }
  if (measured.queued > 0)
    notices.push({
      level: "changing",
      text: `${measured.queued} ${measured.queued === 1 ? "request waits" : "requests wait"} at ${name}.`,
      message: "All of its replicas are full, or those that were asked.",
    });
  return notices;
}
