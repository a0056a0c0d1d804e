/** Which policy routes a request. */
import type { RequestRouterName } from "../../protocol/manifest.ts";
import type { Policy } from "../policy.ts";
import { powerOfTwoChoices } from "./power-of-two-choices.ts";
import { rendezvous } from "./rendezvous.ts";

/** A key or a model id decides for hashing whatever the router: that is what it is given for. */
export function policyOf(router: RequestRouterName, affinity: string | undefined, custom: Policy | undefined): Policy {
  if (router === "custom" && custom !== undefined) return custom;
  return affinity === undefined ? powerOfTwoChoices : rendezvous;
}
