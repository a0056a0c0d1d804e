/**
 * The application's own request router as a policy: it chooses the first replica, chance the ones after it.
 *
 * A router that throws, or returns no index of a candidate, costs no request: that one is routed as if there were no such
 * router, and the log says so, at most once a minute.
 */
import { parseReplicaId } from "../../protocol/names.ts";
import { returnedText, thrownText } from "../../protocol/thrown.ts";
import type { Policy } from "../policy.ts";
import { powerOfTwoChoices } from "./power-of-two-choices.ts";
import { rendezvous } from "./rendezvous.ts";

/** How long a complaint about a router stays the last one. */
const COMPLAINT_MS = 60_000;

/** What the application's function is given, and gives: candidates in, the index of one out. */
export type ChooseReplica = (
  candidates: readonly { readonly replicaId: string; readonly ordinal: number; readonly location: string; readonly inFlight: number }[],
  request: { readonly key?: string },
) => number;

/** @param complain Told what the function has done wrong, in a sentence without its subject. */
export function customPolicy(choose: ChooseReplica, complain: (problem: string) => void): Policy {
  return (input, count) => {
    if (input.candidates.length === 0) return [];
    const candidates = input.candidates.map(({ name, load }) => {
      const { ordinal = 0, location = "-" } = parseReplicaId(name) ?? {};
      return { replicaId: name, ordinal, location, inFlight: load };
    });
    const first = chosen(choose, candidates, input.affinity);
    if (typeof first === "string") {
      complain(first);
      return input.affinity === undefined ? powerOfTwoChoices(input, count) : rendezvous(input, count);
    }
    const others = powerOfTwoChoices(input, count).filter((index) => index !== first);
    return [first, ...others].slice(0, count);
  };
}

/** The index that a router has chosen, or what it has done instead. */
function chosen(choose: ChooseReplica, candidates: Parameters<ChooseReplica>[0], affinity: string | undefined): number | string {
  const { length } = candidates;
  try {
    const first: unknown = choose(candidates, affinity === undefined ? {} : { key: affinity });
    if (typeof first === "number" && Number.isInteger(first) && first >= 0 && first < length) return first;
    return `must return the index of one of its ${length} candidates, got ${returnedText(first)}`;
  } catch (error) {
    return `threw ${thrownText(error)}`;
  }
}

/**
 * The `customPolicy` of a router to a deployment whose options have a request router of their own; nothing otherwise.
 *
 * @param warn Writes to the log.
 */
export function customPolicyOf(
  bound: { readonly name: string; readonly deployment: { readonly given: { readonly requestRouter?: unknown } } } | undefined,
  warn: (message: string) => void,
): { customPolicy?: Policy } {
  const choose = bound?.deployment.given.requestRouter;
  if (bound === undefined || typeof choose !== "function") return {};
  let saidAtMs = -Infinity;
  const complain = (problem: string) => {
    const nowMs = Date.now();
    if (nowMs - saidAtMs < COMPLAINT_MS) return;
    saidAtMs = nowMs;
    warn(`The requestRouter of deployment ${JSON.stringify(bound.name)} ${problem}. Requests are routed without it.`);
  };
  return { customPolicy: customPolicy(choose as ChooseReplica, complain) };
}
