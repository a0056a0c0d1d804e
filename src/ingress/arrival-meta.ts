/**
 * What travels with a request that has come in over HTTP.
 */
import { HttpMeta } from "../protocol/http-request.ts";
import type { RoutedApplication } from "./application-routes.ts";
import type { Chosen } from "./divided.ts";
import type { Arrival } from "./ingress.ts";

/** @param chosen Where several applications share the prefix. */
export function metaOf({ request: { headers }, path }: Arrival, application: RoutedApplication, chosen?: Chosen): HttpMeta {
  const { routePrefix: prefix } = application;
  const hasSlash = prefix !== "/" && path.length === prefix.length + 1;
  if (chosen !== undefined) {
    const { window: traffic, requestId } = chosen;
    return new HttpMeta(headers, application, hasSlash ? { hasSlash, traffic } : { traffic }, requestId);
  }
  return hasSlash ? new HttpMeta(headers, application, { hasSlash }) : new HttpMeta(headers, application);
}
