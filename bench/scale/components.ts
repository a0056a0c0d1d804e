/**
 * What each component has to do at 1,000,000 requests/s, and how much of its limit that is. Pure; from what was measured and simulated.
 *
 * Owns: which components there are, their loads and limits. Does not own: the sizes (sections.ts), how they are written down (page.ts).
 */
import { MAX_REPORTS_PER_S } from "../../src/protocol/control.ts";
import { EVERY_MS } from "../../src/inline/worker-pulse.ts";
import { SHARDS } from "../../src/tasks/task-id.ts";
import { REFRESH_MS } from "../../src/traffic/known-traffic.ts";
import { controlOf } from "./arithmetic.ts";
import { INPUTS, type Input } from "./inputs.ts";
import { valueAt } from "./limits.ts";
import { type Costs, readingsOf } from "./measure.ts";
import type { Outcome, Scenario } from "./simulate.ts";

/** How much of a limit a component may need. */
export const HALF = 0.5;

/** A component, and one thing that it has a limit of. */
export interface Component {
  readonly name: string;
  readonly load: number;
  readonly limit: number;
  readonly unit: string;
  readonly source: string;
  /** What the load is made of, in a sentence. */
  readonly sentence: string;
}

/** What the components' loads follow from. */
export interface Loads {
  readonly costs: readonly Costs[];
  readonly scenario: Scenario;
  readonly outcome: Outcome;
  /** What the framework computes for a request in the Worker. */
  readonly workerMs: number;
}

/** Every component that has to do with each request, or with each replica. */
export function componentsOf({ costs, scenario, outcome, workerMs }: Loads): Component[] {
  const { replicas, deployments = 1, requestsPerS } = scenario;
  const most = (of: (cost: Costs) => number) => Math.max(...costs.map(of));
  const at = (of: (cost: Costs) => number, size: number) => valueAt(readingsOf(costs, of), size);
  const isolates = scenario.cities.length * scenario.isolatesPerCity;
  const each = replicas / deployments;
  const reports = controlOf(replicas).requests;
  const alarms = 1000 / INPUTS.alarmMs.value;
  const scrapes = 1000 / INPUTS.scrapeMs.value;
  const routeMs = at(({ routeUs }) => routeUs, each) / 1000;
  const tasks = (requestsPerS * INPUTS.tasksPerRequest.value) / deployments / SHARDS;
  const { objectPerS, objectMb, threadMs, messageMb, headerKb, storageGb, scrapeMb, scrapeS } = INPUTS;
  const of = (name: string, [load, limit]: readonly [number, Input], sentence: string, unit = limit.unit): Component => ({
    name,
    load,
    limit: limit.value,
    unit,
    source: limit.source,
    sentence,
  });
  return [
    of(
      "ingress isolate: its thread",
      [outcome.busiestIsolatePerS * (workerMs + routeMs), threadMs],
      `${whole(requestsPerS / isolates)} requests/s on average, ${whole(outcome.busiestIsolatePerS)} in the busiest: the framework's part, routing included`,
    ),
    of(
      "ingress isolate: what its routers know",
      [most(({ knowledgeMb }) => knowledgeMb) * deployments, objectMb],
      `the sets of ${deployments} deployments of ${whole(each)} replicas, and what it has seen of each replica`,
    ),
    of("replica: requests", [outcome.busiestPerS, objectPerS], `${whole(requestsPerS / replicas)} on average; the busiest as simulated`),
    of(
      "replica: its thread",
      [outcome.busiestThread * 1000, threadMs],
      "the busiest as simulated: 1 ms of the handler, and the framework's part",
    ),
    of("replica: slots", [outcome.mostAtOnce, { ...INPUTS.maxOngoingRequests, unit: "at once" }], "the most at once as simulated"),
    of(
      "controller: requests",
      [reports + alarms + scrapes, objectPerS],
      `an application of ${whole(replicas)} replicas, each of which reports every ${whole(replicas / reports)} s: at most ${MAX_REPORTS_PER_S} reports/s, whatever its size`,
    ),
    of(
      "controller: its thread",
      [
        (reports * at(({ loadUs }) => loadUs, replicas)) / 1000 +
          scrapes * most(({ scrape, scrapeOfEach }) => Math.max(scrape.ms, scrapeOfEach.ms)),
        threadMs,
      ],
      "a report of load each, storage included, and a scrape each 15 s",
    ),
    of("controller: memory", [at(({ controllerMb }) => controllerMb, replicas), objectMb], `what it knows of ${whole(replicas)} replicas`),
    of(
      "controller: storage",
      [(at(({ stateBytes }) => stateBytes, replicas) + replicas * INPUTS.measuredBytes.value) / 1e9, storageGb],
      "a row for each replica, and one for what it has measured",
    ),
    of(
      "replica set on an HTTP answer",
      [most(({ newsBytes }) => newsBytes) / 1000, headerKb],
      "a header of the answer to a caller that knows an older set",
    ),
    of("replica set on the answer to a call", [most(({ replyBytes }) => replyBytes) / 1e6, messageMb], "once for each caller and change"),
    of(
      "scrape: the controller's answer",
      [most(({ scrape, scrapeOfEach }) => Math.max(scrape.answerBytes, scrapeOfEach.answerBytes)) / 1e6, messageMb],
      "the largest of all sizes",
    ),
    of(
      "scrape: the page",
      [most(({ scrape, scrapeOfEach }) => Math.max(scrape.pageBytes, scrapeOfEach.pageBytes)) / 1e6, scrapeMb],
      "the largest of all sizes: 500 replicas a deployment, 1,000 in all. Larger ones are shown as sums",
    ),
    of(
      "scrape: time",
      [most(({ scrape, scrapeOfEach }) => Math.max(scrape.ms, scrapeOfEach.ms)) / 1000, scrapeS],
      "the processor's time of the controller and of the Worker",
    ),
    of(
      "shard of tasks: requests",
      [tasks * INPUTS.requestsPerTask.value, objectPerS],
      `${SHARDS} an application, ${deployments} applications: where one request in ${whole(1 / INPUTS.tasksPerRequest.value)} enqueues a task, ${rounded(tasks)} tasks/s each, with its enqueue, its alarm's share and a look at its outcome`,
    ),
  ];
}

/** What only some systems have, and what comes above half of its limit with so many isolates. */
export function exceptionsOf({ scenario }: Pick<Loads, "scenario">): Component[] {
  const isolates = scenario.cities.length * scenario.isolatesPerCity;
  const { objectPerS } = INPUTS;
  const asked = (name: string, [everyMs, besides]: readonly [number, number], sentence: string): Component => ({
    name,
    load: (isolates * 1000) / everyMs + besides,
    limit: objectPerS.value,
    unit: objectPerS.unit,
    source: objectPerS.source,
    sentence,
  });
  return [
    asked(
      "the configuration's object, where all requests come to prefixes that several applications share",
      [REFRESH_MS, 0],
      `each isolate asks it every ${REFRESH_MS / 1000} s. Half of its limit is ${whole((objectPerS.value * HALF * REFRESH_MS) / 1000)} isolates: divide by the front Worker instead`,
    ),
    asked(
      `the controller of ${whole(scenario.replicas)} replicas, where a deployment runs inline in all Workers`,
      [EVERY_MS, controlOf(scenario.replicas).requests],
      `each isolate tells every ${EVERY_MS / 1000} s what it has counted, beside the reports: give such a deployment an application of its own`,
    ),
  ];
}

function whole(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

function rounded(value: number): string {
  return value.toFixed(1);
}
