/**
 * The application's own request router as a policy: it chooses the first replica, chance the ones after it.
 *
 * A router that throws, or returns no index of a candidate, costs no request: that one is routed as if there were no such
 * router, and the log says so, at most once a minute.
 */
import { parseReplicaId } from "../../protocol/names.ts";
import { returnedText, thrownText } from "../../protocol/thrown.ts";
import type { RequestRouter, RouterCandidate } from "../../protocol/request-router.ts";
import type { Candidate, Policy, PolicyInput } from "../policy.ts";
import { powerOfTwoChoices } from "./power-of-two-choices.ts";

/** How long a complaint about a router stays the last one. */
const COMPLAINT_MS = 60_000;

/** @param complain Told what the function has done wrong, in a sentence without its subject. */
export function customPolicy(choose: RequestRouter, complain: (problem: string) => void): Policy {
  return (input, count) => {
    if (input.candidates.length === 0) return [];
    const first = chosen(choose, input);
    if (typeof first === "string") {
      complain(first);
      return (input.otherwise ?? powerOfTwoChoices)(input, count);
    }
    const others = powerOfTwoChoices(input, count).filter((index) => index !== first);
    return [first, ...others].slice(0, count);
  };
}

/** The index that a router has chosen, or what it has done instead. */
function chosen(choose: RequestRouter, { candidates, request = {} }: PolicyInput): number | string {
  const { length } = candidates;
  try {
    const first: unknown = choose(candidates.map(seen), request);
    if (typeof first === "number" && Number.isInteger(first) && first >= 0 && first < length) return first;
    return `must return the index of one of its ${length} candidates, got ${returnedText(first)}`;
  } catch (error) {
    return `threw ${thrownText(error)}`;
  }
}

function seen({ name, load, state }: Candidate): RouterCandidate {
  const { ordinal = 0, location = "-" } = parseReplicaId(name) ?? {};
  const region = location === "-" ? undefined : location;
  const { ongoing, queued, models } = state ?? { ongoing: load, queued: 0, models: [] };
  return { replicaId: name, ordinal, location, region, inFlight: load, ongoing, queued, models };
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
  return { customPolicy: customPolicy(choose as RequestRouter, complain) };
}
