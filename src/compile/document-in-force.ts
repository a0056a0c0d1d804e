/**
 * The config document that is in force: `GET /-/api/config`.
 */
import { type ConfigDocument, documentOf } from "../config/to-document.ts";
import type { ApplicationManifest } from "../protocol/manifest.ts";
import { describeSystem } from "./manifest.ts";

/** The document that comes to `applications` when it is put to this code. */
export function documentInForce(applications: readonly ApplicationManifest[], code: Readonly<Record<string, unknown>>): ConfigDocument {
  const bare = applications.map(({ name, routePrefix, args }) => ({
    name,
    routePrefix,
    ...(args === undefined ? {} : { args }),
    deployments: [],
  }));
  const result = describeSystem({ applications: bare }, code);
  return documentOf(applications, "manifest" in result ? result.manifest.applications : []);
}
