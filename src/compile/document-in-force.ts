/**
 * The config document that is in force: `GET /-/api/config`.
 */
import { type ConfigDocument, documentOf } from "../config/to-document.ts";
import type { ApplicationManifest } from "../protocol/manifest.ts";
import type { RouteConfig } from "../protocol/traffic.ts";
import { describeSystem } from "./manifest.ts";

/** The document that comes to what is in force when it is put to this code. */
export function documentInForce(
  applications: readonly ApplicationManifest[],
  code: Readonly<Record<string, unknown>>,
  routes: readonly RouteConfig[] = [],
): ConfigDocument {
  const bare = applications.map(({ name, routePrefix, args }) => ({
    name,
    routePrefix,
    ...(args === undefined ? {} : { args }),
    deployments: [],
  }));
  const result = describeSystem({ applications: bare }, code);
  return documentOf(applications, "manifest" in result ? result.manifest.applications : [], routes);
}
