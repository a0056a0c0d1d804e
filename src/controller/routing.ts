/**
 * Which applications' requests may be another's after a change of prefixes, so that whoever routes by what was before has to hear of it.
 *
 * An isolate hears of a change by itself where it matters to a request: an application that has moved refuses it, and a prefix that
 * several share is asked about. Only a prefix that is new below another is nobody's news: the application above takes the request.
 * So the replica set of that application says that prefixes have changed. So does that of an application whose requests the ingress is to
 * treat otherwise: with another deadline, another header for their keys.
 */
import type { RouteConfig } from "../protocol/traffic.ts";
import type { Applications } from "./config-store.ts";
import type { ApplicationManifest } from "../protocol/manifest.ts";
import { own } from "../protocol/own.ts";

/** The applications whose requests the ingress is to treat otherwise than before, where they are. */
export function treatedAnew(before: Applications, after: Applications): readonly string[] {
  const treatment = (application: ApplicationManifest | null | undefined) =>
    JSON.stringify([application?.httpTimeoutMs, application?.sessions]);
  return Object.keys(after).filter((name) => after[name] !== null && treatment(own(before, name)) !== treatment(after[name]));
}

/** The application of each prefix; `null` where several share it. */
export type Owners = ReadonlyMap<string, string | null>;

/** How often prefixes have changed. JSON. */
export interface Routing {
  readonly count: number;
  /** The count of the last change that took something from an application, by its name. */
  readonly taken: Readonly<Record<string, number>>;
}

/** No change yet. */
export const NO_ROUTING: Routing = { count: 0, taken: {} };

/** Who has which prefix. */
export function ownersOf(applications: Applications, routes: readonly RouteConfig[]): Owners {
  const owners = new Map<string, string | null>();
  for (const [name, application] of Object.entries(applications)) {
    if (application !== null && application.routePrefix !== null) owners.set(application.routePrefix, name);
  }
  for (const { prefix } of routes) owners.set(prefix, null);
  return owners;
}

/**
 * The count after a change; the same object if no prefix has another owner.
 *
 * @param anew Applications that the ingress has to hear of for another reason.
 */
export function routingAfter(routing: Routing, before: Owners, after: Owners, anew: readonly string[] = []): Routing {
  const changed = [...after].filter(([prefix, owner]) => !before.has(prefix) || before.get(prefix) !== owner).map(([prefix]) => prefix);
  if (changed.length === 0 && anew.length === 0) return routing;
  const count = routing.count + 1;
  const taken: Record<string, number> = { ...routing.taken };
  for (const name of anew) taken[name] = count;
  for (const [above, owner] of before) {
    if (owner !== null && changed.some((prefix) => isBelow(prefix, above))) taken[owner] = count;
  }
  return { count, taken };
}

function isBelow(prefix: string, above: string): boolean {
  return prefix !== above && (above === "/" || prefix.startsWith(`${above}/`));
}
