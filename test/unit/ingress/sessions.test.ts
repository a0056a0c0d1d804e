import { describe, expect, it } from "vitest";
import { metaOf } from "../../../src/ingress/sending.ts";
import type { RoutedApplication } from "../../../src/ingress/application-routes.ts";
import type { Arrival } from "../../../src/ingress/ingress.ts";
import type { SessionsConfig } from "../../../src/protocol/manifest.ts";

interface Case {
  readonly sessions?: SessionsConfig;
  readonly headers: Readonly<Record<string, string>>;
  readonly key: unknown;
  /** Whether it is another key than a replica would read in the headers. */
  readonly isOther: boolean;
}

const UUID = expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
const named = { header: "mcp-session-id" };
const generated = { generated: true } as const;

const CASES: Readonly<Record<string, Case>> = {
  "its x-session-id, without options": { headers: { "x-session-id": "s" }, key: "s", isOther: false },
  "nothing, without options and header": { headers: {}, key: undefined, isOther: false },
  "the header that is named": { sessions: named, headers: { "Mcp-Session-Id": "m", "x-session-id": "s" }, key: "m", isOther: true },
  "nothing, without the header that is named": { sessions: named, headers: { "x-session-id": "s" }, key: undefined, isOther: true },
  "nothing, without any header": { sessions: named, headers: {}, key: undefined, isOther: false },
  "a new UUID, where it may be made": { sessions: generated, headers: {}, key: UUID, isOther: true },
  "a new UUID in place of an empty one": { sessions: generated, headers: { "x-session-id": "" }, key: UUID, isOther: true },
  "its own, where one may be made": { sessions: generated, headers: { "x-session-id": "s" }, key: "s", isOther: false },
  "a new UUID beside another header": { sessions: { ...named, ...generated }, headers: { "x-session-id": "s" }, key: UUID, isOther: true },
};

describe("the key of a request", () => {
  it.each(Object.entries(CASES))("is %s", (_, { sessions, headers, key, isOther }) => {
    const application = { name: "app", chain: ["app/Front"], routePrefix: "/", sessions } as unknown as RoutedApplication;
    const arrived = () => ({ request: new Request("http://host/", { headers }), path: "/", worker: { env: {} } }) as unknown as Arrival;
    const arrival = arrived();
    const meta = metaOf(arrival, application);
    expect([meta.key, "hasOtherKey" in meta && meta.hasOtherKey]).toEqual([key, isOther]);
    // It is one for all that becomes of the request: late, copied, sent again, as a shadow.
    const others = [meta.until(1), meta.shadowing(application, 1), meta.until(1).until(2), metaOf({ ...arrival }, application)];
    expect(others.map((one) => one.key)).toEqual(others.map(() => meta.key));
    if (key === UUID) expect(metaOf(arrived(), application).key).not.toBe(meta.key);
  });
});
