import { show } from "../protocol/wording.ts";

/** @internal What {@link routePrefixProblem} accepts, as one expression: for the JSON Schema. */
export const ROUTE_PREFIX_PATTERN: RegExp = /^(?!\/-(?:\/|$))\/(?:[^{}?#]*[^{}?#/])?$/;

const RULES: readonly { readonly isBroken: (prefix: string) => boolean; readonly rule: string }[] = [
  { isBroken: (prefix) => !prefix.startsWith("/"), rule: 'must start with "/"' },
  { isBroken: (prefix) => prefix.endsWith("/") && prefix !== "/", rule: 'must not end with "/", unless it is just "/"' },
  { isBroken: (prefix) => /[{}]/.test(prefix), rule: 'must not contain "{" or "}", because it is no pattern' },
  { isBroken: (prefix) => /[?#]/.test(prefix), rule: 'must not contain "?" or "#", because it is a path' },
  { isBroken: (prefix) => prefix === "/-" || prefix.startsWith("/-/"), rule: 'must not be "/-" or under it, which is edge-serve\'s own' },
];

/**
 * What is wrong with a route prefix, to go on from what it is called: `must start with "/", got "a".`;
 * `undefined` when it is accepted. `null` is accepted: no HTTP.
 */
export function routePrefixProblem(prefix: unknown): string | undefined {
  if (prefix === null) return undefined;
  if (typeof prefix !== "string") return `must be a path that starts with "/", or null for no HTTP, got ${show(prefix)}.`;
  const broken = RULES.find(({ isBroken }) => isBroken(prefix));
  return broken === undefined ? undefined : `${broken.rule}, got ${show(prefix)}.`;
}
