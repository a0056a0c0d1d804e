/** The tables as `docs/multiplexing-bench.md`, with what they mean. */
import { markdownOf } from "../simulation/page.ts";
import type { Section } from "../simulation/sections.ts";
import type { Plan } from "./sections.ts";

/** The whole page. */
export function pageOf(sections: readonly Section[], plan: Plan): string {
  return [INTRODUCTION, ...sections.map(markdownOf), endOf(plan)].join("\n");
}

const INTRODUCTION = `# Multiplexing: hit rates

<!-- Written by bench/multiplexing.ts (npm run bench:multiplexing). Do not edit. -->

500 models that are asked for by Zipf's law (the n-th in proportion to 1/n), 20 replicas of 5 slots, 50 isolates that share no knowledge.
A load takes 200 ms and holds the slot of the request that asked; service takes 20 ms on average, exponentially distributed; a replica is
5 ms away. Time is virtual, the code is the one that serves: [the router](../src/router/router.ts) with its policies,
[the admission](../src/replica/admission.ts) and [the models of a replica](../src/multiplexing/model-cache.ts). Every routing gets the same
requests at the same moments, and claims, then queues; they differ in the order in which replicas are asked:

- *random*, and *two choices*, which is how requests without a model id are routed;
- *least loaded*: by the true load of each replica at that moment, which no caller can know;
- *rendezvous alone*: by a hash of model and replica, whatever is loaded where;
- *by model*: the replicas first that have the model as far as this isolate knows from answers it got, while they have fewer than 10 requests
  (twice the slots), then the others, both in the order of the hash ([by-model.ts](../src/router/policies/by-model.ts));
- the same with replicas that list all their models on each answer, to see what that would be worth: two points of hit rate at most.
`;

function endOf({ seeds, seconds }: Plan): string {
  return `## What this does not say

Nothing is measured here: loads take the same time always, memory is not counted, replicas do not come and go, and popularity does not
drift. The figures in the first two tables are means of ${seeds.length} runs of ${seconds} seconds, after 20 seconds in which caches fill.
`;
}
