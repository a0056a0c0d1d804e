/** The simulation's tables as Markdown: for the terminal, and with what they mean for `docs/routing.md`. */
import type { Plan, Section } from "./sections.ts";

/** A section as Markdown. */
export function markdownOf({ title, text, head, rows }: Section): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [`## ${title}`, "", text, "", line(head), line(head.map(() => "---")), ...rows.map(line), ""].join("\n");
}

/** The whole page. */
export function pageOf(sections: readonly Section[], { requests, seeds }: Plan): string {
  return [INTRODUCTION, ...sections.map(markdownOf), endOf(requests, seeds.length)].join("\n");
}

const INTRODUCTION = `# Routing

<!-- Written by bench/simulate.ts (npm run simulate). Do not edit. -->

Hundreds of isolates route, each sees a sliver of the traffic, and they share no memory. What an isolate knows of a replica's load is
mostly old. So a caller asks: it draws some replicas and sends the request to one of them as a *claim*. The replica runs it at once if a
slot is free, and refuses it otherwise, with its load. After the third refusal the caller asks the least loaded one of the three for a slot,
waits for the answer in its queue, and sends the request then: until it is sent it has not begun, and can go elsewhere if the replica is
lost. Those two messages more are in the numbers. Of replicas that seem equally loaded, one that has refused often lately is asked last, so slow ones are found out; ten seconds
halve what is remembered, and while nobody refuses it does not count. When three claims in a row meet long queues, the caller makes no
claims for some seconds, and queues directly.

These tables come from a discrete-event simulation that runs the code that serves: [the router](../src/router/router.ts) with its
[policy](../src/router/policies/power-of-two-choices.ts) and its [knowledge](../src/router/replica-estimates.ts), one instance for each isolate, and
[the admission](../src/replica/admission.ts) of each replica, under virtual time. The [baselines](../bench/baselines/two-choices.ts) send
every request to one replica, to wait there. All of them get the same requests at the same moments.

A replica has 5 slots (\`maxOngoingRequests\`) and is 5 ms away. Service takes 50 ms on average, exponentially distributed unless it is said
otherwise. *Busy* is the share of the slots' time that is needed. *Waiting* is the time from a request's arrival at its caller to the
beginning of its service, so the way there is in it; only the bound has none. *Hops* are messages to replicas for each request.

![p99 of waiting against load](routing.svg)
`;

function endOf(requests: number, seeds: number): string {
  return `## What this does not say

Nothing is measured here: the network takes the same time always, requests cost no computing, replicas run nothing but slots, and arrivals
are independent of each other. Of a replica's [membership](../src/replica/membership.ts) only the rule is simulated, not the code:
[a test](../test/e2e/control-plane-versions.test.ts) has that in workerd. A routing that diverges has no p99; the number then says how long
the run was. What a request costs in computing is in [benchmarks](benchmarks.md).

Each number is the mean of ${seeds} ${seeds === 1 ? "run" : "runs"} of ${requests.toLocaleString("en")} requests, unless it says otherwise, after a
second in which the empty system fills; after 20 seconds where replicas are slow, because the baselines need that long to find out which
ones, and where queues have to fill. Equal seeds give equal numbers.
`;
}
