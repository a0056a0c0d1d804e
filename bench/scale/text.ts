/** The page `docs/scale.md`: the answer first, then the tables with what they mean. */
import { MAX_REPORTS_PER_S } from "../../src/protocol/control.ts";
import { MAX_REPLICAS } from "../../src/protocol/limits.ts";
import { controlOf, type Need, totalOf } from "./arithmetic.ts";
import { INPUTS } from "./inputs.ts";
import { CELL_REPLICAS, dollars, percent, rounded, type Tables, tablesOf, whole } from "./page.ts";
import type { Findings, Plan, Run } from "./sections.ts";
import { NEAR_MS, REGIONS } from "./world.ts";

/** How and where the numbers were made. */
export interface Made {
  readonly plan: Plan;
  readonly madeOn: string;
}

/** The whole page. */
export function textOf(findings: Findings, made: Made): string {
  const tables = tablesOf(findings);
  return [
    INTRODUCTION,
    answerOf(findings),
    needsOf(tables, findings),
    limitsOf(tables, findings),
    simulationOf(tables, findings, made.plan),
    componentsOf(tables, findings),
    ACTIONS,
    endOf(tables, made),
  ].join("\n");
}

const INTRODUCTION = `# Scale on paper

<!-- Written by bench/scale.ts (npm run bench:scale). Do not edit. -->

What would 1,000,000 requests/s from 300 cities need? Nobody has run that. This page calculates it from Cloudflare's limits and prices, measures
edge-serve's own code with so many replicas, and simulates how requests find them.
`;

function answerOf({ needs, costs, worlds }: Findings): string {
  const [computing, awaiting, composed] = needs.map(({ ours }) => ours) as [Need, Need, Need];
  const byHand = needs.map((need) => totalOf(need.ours.bill) / totalOf(need.byHand.bill) - 1);
  const [even, , weighted] = worlds as [Run, Run, Run];
  const applications = Math.ceil(computing.replicas / CELL_REPLICAS);
  const [least, most] = [Math.min(...byHand), Math.max(...byHand)];
  return `1. **Replicas:** ${whole(computing.replicas)} where a request computes for 1 ms, ${whole(awaiting.replicas)} where it awaits for 50 ms, \
${whole(composed.replicas)} for a composition of three deployments. Their controllers get \
${whole(controlOf(computing.replicas).steadyRequests)} to ${whole(controlOf(composed.replicas).requests)} requests/s: the control plane is no problem of traffic.
2. **Money:** $${rounded(totalOf(computing.bill) / 1e6)} million a month, nearly all of it Cloudflare's price of the requests themselves. As one application \
edge-serve adds ${percent(least)} to ${percent(most)} to the bill of the same by hand.
3. **First limit:** ${whole(MAX_REPLICAS)} replicas a deployment. The controller is none: a report costs it \
${rounded(Math.min(...costs.map(({ loadUs }) => loadUs)))} to ${rounded(Math.max(...costs.map(({ loadUs }) => loadUs)))} us with load, \
from ${whole(costs[0]!.replicas)} to ${whole(costs.at(-1)!.replicas)} replicas, and it gets ${MAX_REPORTS_PER_S} a second at most.
4. **${applications} applications of ${CELL_REPLICAS} replicas** are still easier to place and to deploy. edge-serve does not yet spread one route over several: a front Worker has to.
5. **Waiting:** ${rounded(weighted.outcome.p50Ms)} ms in the middle and ${rounded(weighted.outcome.p99Ms)} ms at p99, of which ${NEAR_MS} are the way, if replicas are where the traffic is. \
Spread evenly over the regions, which is what \`locationHints\` with each region once does, it is ${rounded(even.outcome.p50Ms)} and ${rounded(even.outcome.p99Ms)} ms.
`;
}

function needsOf({ needs, bill, cells }: Tables, findings: Findings): string {
  const { computing, awaiting } = { computing: findings.needs[0]!.ours, awaiting: findings.needs[1]!.ours };
  return `## What it needs

${needs}

A replica runs on one thread and gets at most 1,000 requests/s, whatever \`maxOngoingRequests\` says: short requests never fill their slots. Objects cannot
be put into a city, only into one of nine regions, so *objects per city* is an average.

Dollars a month, beyond what the plan includes, without data, logs (one line for each request, unless \`logging: { accessLog: false }\`) and discounts:

${bill}

By hand a caller has to find a replica too, and there is neither health, nor scaling, nor a queue. *Routing* is the CPU time that the router takes
with ${whole(awaiting.replicas)} or ${whole(computing.replicas)} replicas, of which it looks at twelve: it draws those first.

## One application, or many

The first handler, 1 ms of computing, again:

${cells}
`;
}

function limitsOf({ limits, costs }: Tables, { costs: measured }: Findings): string {
  const most = measured.at(-1)!.replicas;
  return `## Which limit is met first

By the number of replicas of an application, in deployments of at most ${whole(MAX_REPLICAS)}. Sizes depend on the length of names a little. Times are
those of the processor, measured on the machine below: limits that are times are as exact as that machine is like Cloudflare's.

${limits}

And one that no number of replicas moves: **a replica's 1,000 requests/s, where the traffic is not where the replicas are.** Near replicas
are asked first as long as they have free slots. With replicas spread evenly over nine regions, those of ${REGIONS[0]!.hint} get
${rounded(REGIONS[0]!.share * REGIONS.length)} times the average, so it is met when all others have room left. See the simulation.

What edge-serve's code costs, up to ${whole(most)} replicas in nine regions:

${costs}

Sets are those of one deployment, so they end at ${whole(MAX_REPLICAS)} replicas. The report is taken with its row in SQLite and with what a replica measures
without metrics of its own; beside that, the platform takes the message in, which is not counted here. What a request pays does not grow with the number of
replicas: the router draws a few and looks at those. Only requests with a key or a model id have all of them ordered. Answers to
calls and refusals carry the whole set to callers that know an older one; on HTTP answers it is as short as it is because names follow from numbers.
`;
}

function simulationOf({ cities, worlds, regions }: Tables, { worlds: runs }: Findings, { cityMs }: Plan): string {
  const last = runs.at(-1)!;
  const refusals =
    (runs[0]!.outcome.hops - 1) * INPUTS.requestsPerS.value * INPUTS.secondsPerMonth.value * (INPUTS.objectDollars.value / 1e6);
  return `## How requests wait

Under virtual time, with the router and the admission that serve; a replica is one thread on which computing takes turns, and awaiting does not. The framework's part,
as measured in [benchmarks](benchmarks.md), is added to each request. *Waiting* is from a request's arrival at its caller to the beginning of its computing,
the way there included. How routing works, and how it does when slots are short, is in [routing](routing.md).

**One city**, 3,333 requests/s, its share of the replicas rounded up, ${NEAR_MS} ms away, for ${cityMs / 1000} s. How many isolates a city has nobody
says, and it does not matter:

${cities}

**The world**, 300 cities of 20 isolates each. Between regions a message takes what light in a cable of 1.5 times the great circle takes, and
${NEAR_MS} ms. *Near* is the share of requests that ran in their own region. Assumed shares of the traffic:

${regions}

${worlds}

A tenth of the world is a tenth of the requests and of the replicas, so each replica and each city's network is loaded as in the whole; isolates see a tenth. It
runs for ${(runs[0]!.scenario.warmUpMs + runs[0]!.scenario.countedMs) / 1000} s, of which the second half is counted. The whole, the last row, runs for ${(last.scenario.warmUpMs + last.scenario.countedMs) / 1000} s of virtual time, of which ${last.scenario.countedMs / 1000} s are
counted (${whole(last.outcome.requests)} requests): longer than a hundred services, and long enough to see that ten times the size changes nothing.

- **Spread evenly, the busiest region waits while others idle.** Its replicas have free slots, so they are asked, although their thread is late: a hundred
  slots of 1 ms are 0.1 s of waiting before the first refusal. Fewer slots (\`maxOngoingRequests: 5\`) send requests to other regions earlier. Refusals are
  billed too: ${dollars(refusals)} a month.
- **Handlers that await hardly wait**, and hardly any claim is refused: that is how a replica comes to more than 1,000 requests/s unnoticed. The simulation does not know
  that limit; Cloudflare answers beyond it with an overload, upon which a request goes to another replica.
- **Where replicas are where the traffic is,** none of that happens.
`;
}

function componentsOf({ components, exceptions }: Tables, { largest }: Findings): string {
  const { scenario, outcome } = largest;
  const isolates = scenario.cities.length * scenario.isolatesPerCity;
  return `## What each component does at 1,000,000 requests/s

With ${whole(scenario.replicas)} replicas in ${scenario.deployments} deployments, asked by ${whole(isolates)} isolates, replicas where the traffic is, 1 ms of computing each. Simulated with the
router and the admission that serve, for ${rounded((scenario.warmUpMs + scenario.countedMs) / 1000)} s of virtual time, of which the last ${rounded(scenario.countedMs / 1000)} s are counted (${whole(outcome.requests)} requests): waiting is
${rounded(outcome.p50Ms)} ms in the middle and ${rounded(outcome.p99Ms)} at p99, ${outcome.hops.toFixed(2)} hops. A deployment that HTTP reaches would have all requests to itself, and
its 1,000 replicas 1,000 each: so each of the deployments has a prefix, as ${scenario.deployments} applications of ${whole(scenario.replicas / (scenario.deployments ?? 1))} do. The controller's rows are
for the worse case, in which they are one application. No component is above half of its limit:

${components}

These are, where they are used:

${exceptions}
`;
}

const ACTIONS = `## What to do at that size

1. **Several applications** of at most 100 replicas each, spillover included: in \`serve.yaml\` the same \`import_path\` under several names and prefixes, each with the
   \`location_hints\` of its region. A small Worker in front adds the prefix by \`request.cf.continent\`. Each has a controller, a set and a status of its own.
2. **Replicas where the traffic is.** Inside one application a hint may be repeated: \`[weur, weur, enam]\` puts two thirds into Western Europe.
3. **\`maxOngoingRequests\` by the handler:** for one that computes, about 5; for one that awaits, requests/s of a replica times seconds of a request (800 times 0.05 s
   is 40), and no more, so that a region that is full refuses before the platform does.
4. **Replicas by requests/s,** not only by load: at most 800 each. Autoscaling counts requests that run, and short ones hardly run.
5. **No access log,** or a sampled one.
`;

function endOf({ inputs }: Tables, { madeOn }: Made): string {
  return `## Inputs

${inputs}

Limits and prices as of November 2026, from Cloudflare's pages. The framework's CPU time for each request is that of [benchmarks](benchmarks.md), in equal parts for
the Worker and each replica that it passes.

## What this does not say

Nothing was deployed: where Cloudflare puts objects and isolates, what an overload looks like, and what such a customer really pays, is not known here. The simulation has
no autoscaling, no losses, no deploys, and no calls between deployments: each deployment of a composition waits like the handler that awaits. Memory of isolates
was measured in Node, and the time of the controller and of the router too. Routing was simulated with one set that does not change.

Measured on ${madeOn}. At most ${whole(INPUTS.cities.value)} cities, one seed.
`;
}
