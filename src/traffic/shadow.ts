/**
 * Which requests are sent to another application too, and what is counted of its answers.
 */
import type { Share } from "../protocol/traffic.ts";
import { cellsOf, drawnCell } from "./cells.ts";

/** The largest body that a shadow is sent, in bytes. */
export const SHADOW_BODY_BYTES: number = 64 * 1024;

/** How long a shadow may take to answer, in milliseconds. */
export const SHADOW_TIMEOUT_MS = 20_000;

/** What `serve_shadow_requests_total` counts. */
const SHADOW_OUTCOMES = ["same_status", "other_status", "failed", "skipped"] as const;
/** See {@link SHADOW_OUTCOMES}. */
export type ShadowOutcome = (typeof SHADOW_OUTCOMES)[number];

/** What is known of a request before its body is read. */
export interface ShadowedRequest {
  /** The application that answers the client. */
  readonly application: string;
  readonly isUpgrade: boolean;
  /** `undefined` as long as nobody knows; 0 without a body. */
  readonly bodyBytes: number | undefined;
}

/**
 * What a request's shadow is: none, because it was not drawn; `skip`, which is counted; or `send`, in which case a body
 * whose length is not known yet may still turn out to be too large.
 *
 * @param random From 0 to 1, 1 excluded.
 */
export function decideShadow(shadow: Share | undefined, request: ShadowedRequest, random: number): "none" | "skip" | "send" {
  // A shadow is another application than the one that answers.
  if (shadow === undefined || shadow.application === request.application) return "none";
  if (drawnCell(random) >= cellsOf(shadow.percent)) return "none";
  return request.isUpgrade || (request.bodyBytes ?? 0) > SHADOW_BODY_BYTES ? "skip" : "send";
}

/**
 * What is counted of a shadow that was sent.
 *
 * @param clientStatus What the client has got.
 * @param shadowStatus What the shadow has answered; `undefined` if it has not within {@link SHADOW_TIMEOUT_MS}, or no
 *   replica has answered at all.
 */
export function shadowOutcome(clientStatus: number, shadowStatus: number | undefined): ShadowOutcome {
  if (shadowStatus === undefined) return "failed";
  return shadowStatus === clientStatus ? "same_status" : "other_status";
}

/** How many shadows of an application ended so. */
export type ShadowCount = readonly [application: string, outcome: ShadowOutcome, count: number];

/** Both together. Neither is changed. */
export function addShadows(counts: readonly ShadowCount[], more: readonly ShadowCount[]): readonly ShadowCount[] {
  return more.reduce<readonly ShadowCount[]>((all, [application, outcome, count]) => {
    const before = all.find(([app, kind]) => app === application && kind === outcome);
    const others = all.filter((one) => one !== before);
    return [...others, [application, outcome, (before?.[2] ?? 0) + count]];
  }, counts);
}

/** With all outcomes of these applications, at 0 where none has been counted: whoever scrapes is to see the first one. */
export function withAllOutcomes(counts: readonly ShadowCount[], applications: readonly string[]): readonly ShadowCount[] {
  const none = [...new Set(applications)].flatMap((application) =>
    SHADOW_OUTCOMES.map((outcome): ShadowCount => [application, outcome, 0]),
  );
  return addShadows(none, counts);
}
