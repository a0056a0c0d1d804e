/** What each limit is, what edge-serve does there, and what to do about it. */
import { INPUTS } from "./inputs.ts";

/** The words for one limit. */
export interface LimitText {
  readonly what: string;
  readonly consequence: string;
  readonly remedy: string;
}

const seconds = INPUTS.reportMs.value / 1000;
const steady = INPUTS.heartbeatMs.value / 1000;

/** By the limit's name. */
export const LIMIT_TEXTS: Readonly<Record<string, LimitText>> = {
  controllerBusy: {
    what: `the controller of an autoscaled deployment computes all the time, when every load changes all the time (a report every ${seconds} s)`,
    consequence:
      "reports wait for each other, and a replica that wakes waits its one second for nothing; serving goes on, the number of replicas follows late",
    remedy: "a longer `metricsIntervalMs`; no `autoscaling` where the load is known; several applications",
  },
  controllerSteady: {
    what: `the same under a steady load (a report every ${steady} s)`,
    consequence: "the same",
    remedy: "the same, but for `metricsIntervalMs`",
  },
  deployCpu: {
    what: "the answers to the orders of a deploy take 30 s of computing, what one event of an object may",
    consequence: "the object is reset, and the orders that were not answered are given again after 2 s: a deploy takes several rounds",
    remedy: "several applications, deployed one after the other; `limits.cpu_ms`",
  },
  ordersMemory: {
    what: `the orders of a deploy and the state fill ${INPUTS.objectMb.value} MB, because each order has the whole set`,
    consequence: "the controller's object is reset, starts over, and fails again",
    remedy: "several applications",
  },
  state: {
    what: "the controller's state is 2 MB, the most that one stored value may be",
    consequence: "storing it throws: reports fail, no change is taken any more. Replicas go on with what they were told",
    remedy: "several applications",
  },
  subrequests: {
    what: "the orders of a deploy are 10,000, what one invocation may call",
    consequence: "the orders beyond it fail and are given again from the next alarm",
    remedy: "`limits.subrequests`; several applications",
  },
  reports: {
    what: "the controller gets 1,000 requests a second, the soft limit of an object",
    consequence: "the platform answers reports with an overload; serving goes on",
    remedy: "a longer `metricsIntervalMs`; several applications",
  },
};
