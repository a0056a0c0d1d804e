/** Config documents for `test/e2e/apps/traffic.yaml`: its applications, with other routes. */
import { readFileSync } from "node:fs";
import { parse } from "yaml";

interface Application {
  readonly name: string;
  readonly route_prefix: string | null;
  readonly import_path: string;
}

/** What is served. */
export const TRAFFIC_TARGET = "test/e2e/apps/traffic.yaml";

const { applications: served } = parse(readFileSync(TRAFFIC_TARGET, "utf8")) as { readonly applications: readonly Application[] };

/** The document with these routes, and some applications elsewhere; `undefined` leaves one out. */
export function documentOf(routes: readonly object[], prefixes: Readonly<Record<string, string | null | undefined>> = {}) {
  const applications = served.flatMap(({ name, route_prefix, import_path }) => {
    const prefix = name in prefixes ? prefixes[name] : route_prefix;
    return prefix === undefined ? [] : [{ name, route_prefix: prefix, import_path }];
  });
  return { applications, routes };
}

/** The shares of a split, or of some of them. */
export function split(shares: Readonly<Record<string, number>>): { application: string; percent: number }[] {
  return Object.entries(shares).map(([application, percent]) => ({ application, percent }));
}
