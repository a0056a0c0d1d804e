/**
 * What an autoscaling policy is, and how one that the application wrote is asked.
 *
 * A policy says how many replicas it wants; factors, delays and bounds are applied to that in `autoscale.ts`, as Ray
 * Serve wraps custom policies.
 */
import type { AutoscalingContext, AutoscalingDecision } from "../../protocol/autoscaling.ts";
import { returnedText, thrownText } from "../../protocol/thrown.ts";

/** JSON that a policy keeps from one decision to the next. */
export type PolicyState = AutoscalingContext["state"];

/** A deployment's policy, with its arguments from the configuration in place. */
export type AskedPolicy = (context: AutoscalingContext) => AutoscalingDecision;

/** An application's policy, likewise: for its deployments together, by name; one that it leaves out keeps its target. */
export type AskedApplicationPolicy = (
  contexts: Readonly<Record<string, AutoscalingContext>>,
) => Readonly<Record<string, AutoscalingDecision>>;

/** What a policy wants: a number, or nothing and the reason why, which may be that it chose to. */
export type Wish =
  | { readonly replicas: number; readonly state?: PolicyState }
  | { readonly problem: string; readonly isByChoice?: boolean };

/** Asks a policy. One that throws, or gives no number of at least 0, wants nothing. */
export function askPolicy(policy: AskedPolicy, context: AutoscalingContext): Wish {
  try {
    return wishOf(policy(copyOf(context)));
  } catch (error) {
    return { problem: thrownBy(error) };
  }
}

/** Asks a policy for a whole application. */
export function askApplicationPolicy(
  policy: AskedApplicationPolicy,
  contexts: Readonly<Record<string, AutoscalingContext>>,
): Readonly<Record<string, Wish>> {
  const wishes = (wishFor: (name: string) => Wish) => Object.fromEntries(Object.keys(contexts).map((name) => [name, wishFor(name)]));
  try {
    const answers = policy(Object.fromEntries(Object.entries(contexts).map(([name, context]) => [name, copyOf(context)])));
    if (typeof answers !== "object" || answers === null || answers instanceof Promise) {
      const problem = `The autoscaling policy returned ${returnedText(answers)}, not an object with a number for each deployment.`;
      return wishes(() => ({ problem: problem + mustNotWait(answers) }));
    }
    return wishes((name) =>
      Object.hasOwn(answers, name)
        ? wishOf(answers[name])
        : { problem: "The autoscaling policy says nothing about this deployment.", isByChoice: true },
    );
  } catch (error) {
    return wishes(() => ({ problem: thrownBy(error) }));
  }
}

/** A policy gets a context of its own: what it does to the object must not change what is remembered. */
function copyOf(context: AutoscalingContext): AutoscalingContext {
  return structuredClone(context);
}

function mustNotWait(answer: unknown): string {
  return answer instanceof Promise ? " A policy decides at once: it must not be async." : "";
}

function wishOf(answer: unknown): Wish {
  const { replicas, state } =
    typeof answer === "object" && answer !== null ? (answer as { replicas?: unknown; state?: unknown }) : { replicas: answer };
  if (typeof replicas !== "number" || !Number.isFinite(replicas) || replicas < 0) {
    // What it returned by itself says more than a field that is not there.
    const seen = typeof replicas === "number" ? `${replicas} replicas` : returnedText(replicas === undefined ? answer : replicas);
    const problem = `The autoscaling policy returned ${seen}. It must return a finite number of at least 0.`;
    return { problem: problem + mustNotWait(answer) };
  }
  if (state === undefined) return { replicas };
  const kept = jsonObject(state);
  return typeof kept === "string" ? { problem: `The autoscaling policy returned a state that ${kept}.` } : { replicas, state: kept };
}

/** How long a policy's state may be as JSON: it is stored with the application's. */
const MAX_STATE_LENGTH = 65_536;

/** A copy as it will be after storage; what is wrong with it where it cannot be stored. */
function jsonObject(value: unknown): PolicyState | string {
  const noJson = "is not a JSON object. Return plain data, which can be stored";
  if (typeof value !== "object" || value === null || Array.isArray(value)) return noJson;
  try {
    const text = JSON.stringify(value);
    if (text.length > MAX_STATE_LENGTH) return `is ${text.length} characters long as JSON; at most ${MAX_STATE_LENGTH} are kept`;
    return JSON.parse(text) as PolicyState;
  } catch {
    // A cycle, a bigint, or a toJSON of the application that throws.
    return noJson;
  }
}

function thrownBy(error: unknown): string {
  return `The autoscaling policy threw ${thrownText(error)}.`;
}
