/**
 * Every number that the arithmetic begins with, with its unit and where it is from.
 *
 * Owns: the inputs. Does not own: what follows from them (arithmetic.ts), where requests come from (world.ts).
 */
import { HEARTBEAT_MS } from "../../src/protocol/control.ts";
import { resolveOptions } from "../../src/api/resolve-options.ts";

/** A number with its origin. */
export interface Input {
  readonly value: number;
  readonly unit: string;
  readonly what: string;
  readonly source: string;
}

const PRICING = "[Durable Objects pricing](https://developers.cloudflare.com/durable-objects/platform/pricing/)";
const WORKERS_PRICING = "[Workers pricing](https://developers.cloudflare.com/workers/platform/pricing/)";
const LIMITS = "[Durable Objects limits](https://developers.cloudflare.com/durable-objects/platform/limits/)";
const WORKERS_LIMITS = "[Workers limits](https://developers.cloudflare.com/workers/platform/limits/)";
const OPTIONS = "[the options' defaults](../src/api/options.ts)";
const DEFAULTS = resolveOptions({ numReplicas: "auto" });

const input = (value: number, unit: string, what: string, source: string): Input => ({ value, unit, what, source });

/** The inputs, by name. */
export const INPUTS = {
  requestsPerS: input(1_000_000, "requests/s", "what clients ask, all over the world", "the question"),
  cities: input(300, "cities", "where requests come in, 3,333 requests/s each", "the question"),
  secondsPerMonth: input(2_592_000, "s", "30 days", "the calendar"),
  objectPerS: input(1000, "requests/s", "soft limit of one Durable Object", LIMITS),
  rateUsed: input(0.8, "", "share of that limit that is used", "assumed"),
  threadUsed: input(0.6, "", "share of a replica's one thread that is used", "assumed"),
  slotsUsed: input(0.8, "", "share of `maxOngoingRequests` that is used", "assumed"),
  maxOngoingRequests: input(DEFAULTS.maxOngoingRequests, "requests", "`maxOngoingRequests`", OPTIONS),
  reportMs: input(DEFAULTS.autoscaling!.metricsIntervalMs, "ms", "`metricsIntervalMs`: between reports of a load that changes", OPTIONS),
  heartbeatMs: input(HEARTBEAT_MS, "ms", "between reports of a load that does not", "[HEARTBEAT_MS](../src/protocol/control.ts)"),
  alarmMs: input(DEFAULTS.autoscaling!.lookBackPeriodMs / 5, "ms", "between alarms while a load changes", "`lookBackPeriodMs` / 5"),
  rowsPerReport: input(
    2,
    "rows",
    "written for a report: the replica's, and what it has measured",
    "[the controller](../durable-objects/controller-rows.ts)",
  ),
  askMs: input(1000, "ms", "for how long a replica that wakes waits for its controller", "[ASK_TIMEOUT_MS](../src/replica/membership.ts)"),
  workerDollars: input(0.3, "$ per million", "Worker requests", WORKERS_PRICING),
  cpuDollars: input(0.02, "$ per million ms", "CPU time of a Worker; an object's is in its duration", WORKERS_PRICING),
  objectDollars: input(0.15, "$ per million", "requests to objects: HTTP, calls, alarms", PRICING),
  awakeDollars: input(12.5, "$ per million GB-s", "objects awake", PRICING),
  rowDollars: input(1, "$ per million", "rows written", PRICING),
  objectGb: input(0.128, "GB", "what an object that is awake is billed for, whatever it uses", PRICING),
  objectMb: input(128, "MB", "memory of an isolate, shared by the objects in it", WORKERS_LIMITS),
  threadMs: input(1000, "ms/s", "what one thread computes in a second; an isolate has one, and so has an object", "the clock"),
  messageMb: input(33.6, "MB", "a message of RPC: 32 MiB", "[RPC](https://developers.cloudflare.com/workers/runtime-apis/rpc/)"),
  headerKb: input(128, "kB", "all headers of a message together", WORKERS_LIMITS),
  storageGb: input(10, "GB", "storage of an object", LIMITS),
  scrapeMb: input(33.6, "MB", "what is scraped of an application: 32 MiB", "what edge-serve is to keep to"),
  scrapeS: input(2, "s", "what a scrape may take", "what edge-serve is to keep to"),
  scrapeMs: input(15_000, "ms", "between scrapes", "assumed"),
  measuredBytes: input(405, "bytes", "a row of what a replica has measured", "[what looking costs](cost.md#what-looking-costs)"),
  tasksPerRequest: input(0.001, "", "share of requests that enqueue a task", "assumed"),
  requestsPerTask: input(3, "requests", "to a shard for a task: it is enqueued, alarms, and whoever looks", "assumed"),
} as const satisfies Record<string, Input>;

/** The CPU time for each request that `docs/benchmarks.md` measured: in all processes of it, in milliseconds. */
export interface Overhead {
  readonly oursMs: number;
  readonly byHandMs: number;
}

/** Reads a figure of the benchmarks' page. Throws when the page has none of that name. */
export function overheadIn(page: string, figure: string): Overhead {
  const lines = page.split("\n").map((line) => line.split("|").map((cell) => cell.trim()));
  const row = lines.find(([, name]) => name === figure);
  const column = lines.flatMap((cells) => cells.findIndex((cell) => cell.startsWith("CPU us each"))).find((index) => index !== -1);
  const [, ours, byHand] = /^(\d+) \/ (\d+)\b/.exec(row?.[column ?? -1] ?? "") ?? [];
  if (ours === undefined || byHand === undefined) {
    throw new Error(`docs/benchmarks.md has no CPU time for ${JSON.stringify(figure)}. Run npm run bench, or name a figure that it has.`);
  }
  return { oursMs: Number(ours) / 1000, byHandMs: Number(byHand) / 1000 };
}
