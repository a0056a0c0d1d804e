/** Which policy routes a request. */
import type { RequestRouterName } from "../../protocol/manifest.ts";
import type { RequestMeta } from "../../protocol/messages.ts";
import type { Policy } from "../policy.ts";
import { powerOfTwoChoices } from "./power-of-two-choices.ts";
import { rendezvous } from "./rendezvous.ts";

/** What decides how requests to a deployment are routed. */
export interface Policies {
  readonly router: RequestRouterName;
  /** The application's own router, where it has one. */
  readonly custom: Policy | undefined;
  readonly byModel: Policy;
}

/** A key or a model id decides for hashing whatever the router: that is what it is given for. */
export function policyOf({ router, custom, byModel }: Policies, { multiplexedModelId, key }: RequestMeta): Policy {
  if (router === "custom" && custom !== undefined) return custom;
  if (multiplexedModelId !== undefined) return byModel;
  return key === undefined ? powerOfTwoChoices : rendezvous;
}
