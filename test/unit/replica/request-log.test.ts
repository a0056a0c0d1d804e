import { expect, it } from "vitest";
import { RequestScope } from "../../../src/context/scope.ts";
import type { RequestMeta } from "../../../src/protocol/messages.ts";
import { logFetch } from "../../../src/replica/request-log.ts";
import { recordLog } from "../../support/log-lines.ts";
import { replicaScope, requestMeta } from "../../support/scope.ts";

const log = recordLog();
const replica = { ...replicaScope(), logging: { level: "INFO", accessLog: true } as const };

// What the client sent, what the application sees of it, and what travels beside it.
it.each<readonly [string, string, Partial<RequestMeta>]>([
  ["/", "/", { routePrefix: "/" }],
  ["/x/", "/x/", { routePrefix: "/" }],
  ["/a", "/", { routePrefix: "/a" }],
  ["/a/", "/", { routePrefix: "/a", hasSlash: true }],
  ["/a/b", "/b", { routePrefix: "/a" }],
  ["/a/b/", "/b/?c=d", { routePrefix: "/a" }],
  ["/a//", "//", { routePrefix: "/a" }],
])("the access log has the path as the client sent it: %s", (path, seen, meta) => {
  const scope = { replica, request: new RequestScope(requestMeta(meta)) };
  logFetch({ method: "GET", status: 200 }, { url: `http://host${seen}` }, Date.now(), scope);
  expect(log.lines()).toEqual([expect.objectContaining({ method: "GET", path, route: meta.routePrefix, status: 200 })]);
});
