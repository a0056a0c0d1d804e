/**
 * What may be said about the calls of a handle, checked where it is said: in code, and by callers outside the Worker.
 */
import { ConfigError } from "../protocol/errors.ts";
import { MAX_TASK_TIME_MS, MAX_TIME_MS } from "../protocol/limits.ts";
import { REQUEST_ID_PATTERN, REQUEST_ID_RULE } from "../protocol/names.ts";
import { own } from "../protocol/own.ts";
import { isTraceparent } from "../protocol/trace.ts";
import { closest, show } from "../protocol/wording.ts";

interface Rule {
  readonly accepted: string;
  accepts(value: unknown): boolean;
}

/** What identifies a message or an order is shorter. */
const MAX_KEY_LENGTH = 1024;
const TEXT: Rule = { accepted: "a string", accepts: (value) => typeof value === "string" };
const TIMEOUT: Rule = {
  accepted: `a number above 0 and at most ${MAX_TIME_MS}`,
  accepts: (value) => typeof value === "number" && value > 0 && value <= MAX_TIME_MS,
};
const RULES: Readonly<Record<string, Rule>> = {
  multiplexedModelId: TEXT,
  key: TEXT,
  timeoutMs: TIMEOUT,
  signal: { accepted: "an AbortSignal", accepts: isSignal },
  requestId: { accepted: REQUEST_ID_RULE, accepts: (value) => typeof value === "string" && REQUEST_ID_PATTERN.test(value) },
  traceparent: {
    accepted: "a W3C trace context: 00-<32 hex digits>-<16 hex digits>-<2 hex digits>",
    accepts: (value) => typeof value === "string" && isTraceparent(value),
  },
  idempotencyKey: {
    accepted: `a string of 1 to ${MAX_KEY_LENGTH} characters`,
    accepts: (value) => typeof value === "string" && value.length > 0 && value.length <= MAX_KEY_LENGTH,
  },
  delayMs: {
    accepted: `a number from 0 to ${MAX_TASK_TIME_MS}`,
    accepts: (value) => typeof value === "number" && value >= 0 && value <= MAX_TASK_TIME_MS,
  },
};
const NAMES = Object.keys(RULES);

// By what is used of it: test environments bring classes of their own.
function isSignal(value: unknown): boolean {
  const { aborted, addEventListener } = (value ?? {}) as Partial<AbortSignal>;
  return typeof aborted === "boolean" && typeof addEventListener === "function";
}

/**
 * Checks the options of a handle; one that is `undefined` is not given.
 *
 * @param subjectOf Whose options they are, asked for an error: `Handle of deployment "Rank" of application "news"`.
 * @throws ConfigError naming the subject, the option, its value and what is accepted.
 */
export function checkHandleOptions(subjectOf: () => string, options: unknown): void {
  if (typeof options !== "object" || options === null) {
    throw new ConfigError(`${subjectOf()}: the options must be an object, got ${show(options)}.`);
  }
  for (const name of Object.keys(options)) {
    const value = (options as Readonly<Record<string, unknown>>)[name];
    const rule = own(RULES, name);
    if (rule === undefined) throw new ConfigError(`${subjectOf()}: unknown option ${show(name)}. ${cure(name)}`);
    const problem = value === undefined ? undefined : problemOf(name, value, rule);
    if (problem !== undefined) throw new ConfigError(`${subjectOf()}: ${problem}`);
  }
}

/** What is wrong with a number of milliseconds to wait, in a sentence. */
export function timeoutProblem(timeoutMs: unknown): string | undefined {
  return problemOf("timeoutMs", timeoutMs, TIMEOUT);
}

function problemOf(name: string, value: unknown, { accepted, accepts }: Rule): string | undefined {
  return accepts(value) ? undefined : `${name} must be ${accepted}, got ${show(value)}.`;
}

function cure(name: string): string {
  const near = closest(name, NAMES);
  return near === undefined ? `Accepted: ${NAMES.join(", ")}.` : `Did you mean ${near}?`;
}
