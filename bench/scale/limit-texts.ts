/** What each limit is, what edge-serve does there, and what to do about it. */
import { INPUTS } from "./inputs.ts";

/** The words for one limit. */
export interface LimitText {
  readonly what: string;
  readonly consequence: string;
  readonly remedy: string;
}

const seconds = INPUTS.reportMs.value / 1000;

/** By the limit's name. */
export const LIMIT_TEXTS: Readonly<Record<string, LimitText>> = {
  deployment: {
    what: "a deployment may have no more replicas",
    consequence: "a larger number is refused wherever it is said",
    remedy: "several deployments; several applications",
  },
  interval: {
    what: `replicas of an autoscaled deployment report as often as the controller lets them: 500 reports a second, by default one each ${seconds} s from each`,
    consequence: "the controller lengthens the intervals: 20 s at 10,000 replicas. The number of replicas follows that much later",
    remedy: "several applications",
  },
  staleness: {
    what: "the intervals come to 80 s, after which a load is taken for that of a replica that is gone",
    consequence: "loads are seen too low, and too few replicas are wanted",
    remedy: "several applications",
  },
  start: {
    what: "a controller that is made anew reads its rows for a second",
    consequence: "a replica that wakes just then waits its one second for nothing; serving goes on",
    remedy: "several applications",
  },
  memory: {
    what: `what a controller knows fills the ${INPUTS.objectMb.value} MB of its isolate`,
    consequence: "the controller's object is reset, starts over, and fails again",
    remedy: "several applications",
  },
};
