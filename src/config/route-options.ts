/**
 * The keys of an entry of `routes`, and what their values may be.
 */
import * as v from "valibot";
import { group, option, type TableOf } from "../api/option-table.ts";
import { above, type Accepts, atLeast, count, text } from "../api/option-values.ts";
import { MAX_TIME_MS } from "../protocol/limits.ts";
import { NAME_PATTERN, NAME_RULE } from "../protocol/names.ts";
import type { CanaryConfig, Share } from "../protocol/traffic.ts";
import { sectionOf } from "./shape.ts";

const PERCENTAGE = "a number from 0 to 100 with at most two decimals";

const percentage = v.pipe(
  v.number(PERCENTAGE),
  v.minValue(0, PERCENTAGE),
  v.maxValue(100, PERCENTAGE),
  // The number nearest to so many hundredths is the one that was written.
  v.check((percent) => Math.round(percent * 100) / 100 === percent, PERCENTAGE),
);

const application = (): Accepts<string> => text(NAME_PATTERN, `the name of an application: ${NAME_RULE}`);

/** @internal */
export const SHARE_OPTIONS = {
  /** The name of an application. */
  application: option(application(), { required: true }),
  /** Its share of the requests, in percent. */
  percent: option<number>(percentage, { required: true }),
} satisfies TableOf<Share>;

const STEPS = "from 1 to 100 percentages that ascend and end at 100";
/** @internal */
export const HEADER = "the name of a header";
/** @internal */
export const HEADER_PATTERN = /^[\w!#$%&'*+.^`|~-]{1,256}$/;

/** @internal */
export const CANARY_OPTIONS = {
  /** The application that has the requests now. */
  stable: option(application(), { required: true }),
  /** The application that is to have them. */
  candidate: option(application(), { required: true }),
  /** The candidate's percentages, one after the other. */
  steps: option<number[]>(
    v.pipe(
      v.array(v.pipe(percentage, v.gtValue(0, "a number above 0")), STEPS),
      v.minLength(1, STEPS),
      v.maxLength(100, STEPS),
      v.check((steps) => steps.at(-1) === 100 && steps.every((step, index) => index === 0 || step > steps[index - 1]!), STEPS),
    ),
    { required: true },
  ),
  /**
   * How long each step lasts at least, in milliseconds.
   *
   * @default 300_000
   */
  stepIntervalMs: option(atLeast(5000, MAX_TIME_MS), { default: 300_000 }),
  /**
   * How many requests the candidate must have answered in a step before it is judged.
   *
   * @default 50
   */
  minRequests: option(count(1), { default: 50 }),
  /**
   * The largest share of 5xx among the candidate's answers, in percent.
   *
   * @default 1
   */
  maxErrorPercent: option(atLeast(0, 100), { default: 1 }),
  /**
   * The candidate's 95th percentile of latency is at most this many times the stable application's.
   *
   * @default 1.5
   */
  maxP95Ratio: option(above(0, 1000), { default: 1.5, key: "max_p95_ratio" }),
} satisfies TableOf<CanaryConfig>;

/** @internal The prefix and the shares have rules of their own, which `routes.ts` has. */
export const ROUTE_OPTIONS = {
  /** The path whose requests are divided; no application and no other route may have it. */
  prefix: option(
    v.custom<unknown>((value) => value !== undefined, 'a path that starts with "/"'),
    { required: true },
  ),
  /** Applications and their shares, which add up to 100. */
  split: option(v.array(v.unknown(), "an array of applications and their shares")),
  /** Moves requests to another application step by step, as long as it does well; a route has this or `split`. */
  canary: group<Partial<CanaryConfig>>(CANARY_OPTIONS, { default: null }),
  /** Requests with equal values of this header go to the same application. */
  stickyHeader: option(text(HEADER_PATTERN, HEADER), { nullable: true }),
  /** Sends a share of the requests to another application too. */
  shadow: group<Partial<Share>>(SHARE_OPTIONS, { nullable: true, default: null }),
};

/** @internal */
export const SHARE = sectionOf(SHARE_OPTIONS);

/** @internal */
export const ROUTE = sectionOf(ROUTE_OPTIONS);
