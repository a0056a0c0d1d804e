/**
 * The application's own request router as a policy: it chooses the first replica, chance the ones after it.
 */
import { ConfigError } from "../../protocol/errors.ts";
import { parseReplicaId } from "../../protocol/names.ts";
import type { Policy } from "../policy.ts";
import { powerOfTwoChoices } from "./power-of-two-choices.ts";

/** What the application's function is given, and gives: candidates in, the index of one out. */
export type ChooseReplica = (
  candidates: readonly { readonly replicaId: string; readonly ordinal: number; readonly location: string; readonly inFlight: number }[],
  request: { readonly key?: string },
) => number;

/** @throws ConfigError if the function throws, or does not return the index of a candidate. */
export function customPolicy(choose: ChooseReplica): Policy {
  return (input, count) => {
    if (input.candidates.length === 0) return [];
    const candidates = input.candidates.map(({ name, load }) => {
      const { ordinal = 0, location = "-" } = parseReplicaId(name) ?? {};
      return { replicaId: name, ordinal, location, inFlight: load };
    });
    const first = chosen(choose, candidates, input.affinity);
    if (!Number.isInteger(first) || first < 0 || first >= candidates.length) {
      throw new ConfigError(`requestRouter must return the index of one of its ${candidates.length} candidates, got ${String(first)}.`);
    }
    const others = powerOfTwoChoices(input, count).filter((index) => index !== first);
    return [first, ...others].slice(0, count);
  };
}

function chosen(choose: ChooseReplica, candidates: Parameters<ChooseReplica>[0], affinity: string | undefined): number {
  try {
    return choose(candidates, affinity === undefined ? {} : { key: affinity });
  } catch (cause) {
    throw new ConfigError(`requestRouter threw ${cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause)}.`, { cause });
  }
}

/** The `customPolicy` of a router to a deployment whose options have a request router of their own; nothing otherwise. */
export function customPolicyOf(bound: { readonly deployment: { readonly given: { readonly requestRouter?: unknown } } } | undefined): {
  customPolicy?: Policy;
} {
  const choose = bound?.deployment.given.requestRouter;
  return typeof choose === "function" ? { customPolicy: customPolicy(choose as ChooseReplica) } : {};
}
