/** Prefixes that several applications share: contract section 12, in workerd. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serve, type Server } from "edge-serve/testing";
import type { RouteStatus } from "../../src/protocol/traffic.ts";
import { AUTHORIZED, putDocument, shadowsIn, TOKEN } from "../support/operated.ts";
import { documentOf, split, TRAFFIC_TARGET } from "../support/traffic-document.ts";

let server: Server;

beforeAll(async () => {
  server = await serve(TRAFFIC_TARGET, { token: TOKEN, quiet: true });
});
afterAll(() => server?.stop());

async function put(...args: Parameters<typeof documentOf>): Promise<void> {
  const response = await putDocument(server, documentOf(...args));
  expect([response.status, await response.text()]).toEqual([200, expect.anything()]);
}

async function api(path: string, method = "GET", body?: object): Promise<{ status: number; value: Told }> {
  const response = await server.fetch(`/-/api/${path}`, {
    method,
    headers: AUTHORIZED,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, value: (await response.json()) as Told };
}

async function routeAt(prefix: string): Promise<RouteStatus | undefined> {
  return ((await api("applications")).value.routes as Readonly<Record<string, RouteStatus>>)[prefix];
}

interface Answer {
  readonly app: string;
  readonly path: string;
  readonly routePrefix: string;
  readonly shadow: boolean;
  readonly body: string;
}

/** What the operator's API answers, as far as these tests look at it. */
interface Told {
  readonly routes: unknown;
  readonly message: string;
}

async function ask(path: string, init: RequestInit = {}): Promise<Answer> {
  const response = await server.fetch(path, init);
  expect(response.status).toBe(200);
  return (await response.json()) as Answer;
}

async function countApps(path: string, times: number, init: (index: number) => RequestInit = () => ({})): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  const answers = await Promise.all(Array.from({ length: times }, (_, index) => ask(path, init(index))));
  for (const { app } of answers) counts[app] = (counts[app] ?? 0) + 1;
  return counts;
}

describe("a split", () => {
  it("divides requests by its shares, and applications see what they would see at a prefix of their own", async () => {
    const counts = await countApps("/rank/a/b?q=1", 400);
    expect(Object.keys(counts).toSorted()).toEqual(["v1", "v2"]);
    // Five standard deviations.
    expect(counts["v2"]).toBeGreaterThan(55);
    expect(counts["v2"]).toBeLessThan(145);
    expect(await ask("/rank/a", { method: "POST", body: "hello" })).toMatchObject({
      path: "/a",
      routePrefix: "/rank",
      shadow: false,
      body: "hello",
    });
    expect(await ask("/rank")).toMatchObject({ path: "/", routePrefix: "/rank" });
    expect(await ask("/ranks")).toMatchObject({ app: "root", path: "/ranks" });
  });

  it("gives equal values of its header to one application, and moves none but those that it must", async () => {
    const owners = async () => {
      const users = Array.from({ length: 200 }, (_, index) => `user-${index}`);
      return Promise.all(users.map(async (user) => (await ask("/rank", { headers: { "x-user": user } })).app));
    };
    const before = await owners();
    expect(await owners()).toEqual(before);
    await server.restart();
    expect(await owners()).toEqual(before);
    await put([{ prefix: "/rank", split: split({ v1: 50, v2: 25, v3: 25 }), sticky_header: "x-user" }]);
    const after = await owners();
    const moves = new Set(before.map((app, index) => `${app} to ${after[index]}`));
    expect([...moves].toSorted()).toEqual(["v1 to v1", "v1 to v3", "v2 to v2"]);
    await server.restart();
    expect(await owners()).toEqual(after);
  });

  it("is shown to operators and clients, and is in the document that is in force", async () => {
    await put([{ prefix: "/rank", split: split({ v1: 95, v2: 5 }) }]);
    expect(await routeAt("/rank")).toEqual({
      state: "SPLIT",
      split: { v1: 95, v2: 5 },
      reason: expect.any(String),
      since_s: expect.any(Number),
    });
    expect(await (await server.fetch("/-/routes")).json()).toEqual({ "/": "root", "/rank": { v1: 95, v2: 5 } });
    expect((await api("config")).value.routes).toEqual([{ prefix: "/rank", split: split({ v1: 95, v2: 5 }) }]);
    const { status, value } = await api("applications/v2", "DELETE");
    expect([status, value.message]).toEqual([409, expect.stringMatching(/"v2".*"\/rank"/)]);
  });

  it("says in the access log which application has answered", async () => {
    const headers = { "x-request-id": "logged-1" };
    const { app } = await ask("/rank/logged", { headers });
    const line = await server.waitForLog(({ requestId, fields }) => requestId === "logged-1" && fields["method"] === "GET");
    expect([line.app, line.fields["path"]]).toEqual([app, "/rank/logged"]);
  });

  it("is gone with a document that has no routes", async () => {
    const { applications, routes } = documentOf([{ prefix: "/rank", split: split({ v1: 95, v2: 5 }) }]);
    expect((await putDocument(server, { applications })).status).toBe(200);
    expect([await routeAt("/rank"), (await ask("/rank")).app]).toEqual([undefined, "root"]);
    expect((await putDocument(server, { applications, routes })).status).toBe(200);
  });

  it.each<[string, object[], RegExp]>([
    ["whose shares don't add up", [{ prefix: "/rank", split: split({ v1: 95, v2: 6 }) }], /routes\[0\]\.split .*101/],
    ["of an application that is not there", [{ prefix: "/rank", split: split({ v9: 100 }) }], /"v9"/],
    ["at a prefix that an application has", [{ prefix: "/", split: split({ v1: 100 }) }], /application "root"/],
  ])("%s is refused, and changes nothing", async (_, routes, message) => {
    const before = await routeAt("/rank");
    const { status, value } = await api("applications", "PUT", documentOf(routes));
    expect([status, value.message]).toEqual([400, expect.stringMatching(message)]);
    expect(await routeAt("/rank")).toEqual(before);
  });
});

/** Requests that come until it is left: what they are answered, by status and application. */
function load(path: string, clients = 4): AsyncDisposable & { readonly counts: Readonly<Record<string, number>>; reset(): void } {
  let counts: Record<string, number> = {};
  const over = new AbortController();
  const client = async () => {
    while (!over.signal.aborted) {
      const response = await server.fetch(path);
      const text = await response.text();
      const app = response.status === 200 && text.startsWith("{") ? (JSON.parse(text) as Answer).app : "?";
      const key = `${response.status} ${app}`;
      counts[key] = (counts[key] ?? 0) + 1;
      await new Promise((next) => setTimeout(next, 10));
    }
  };
  const running = Promise.all(Array.from({ length: clients }, client));
  return {
    get counts() {
      return counts;
    },
    reset: () => (counts = {}),
    async [Symbol.asyncDispose]() {
      over.abort();
      await running;
    },
  };
}

async function whenAt(prefix: string, isSo: (status: RouteStatus) => boolean): Promise<RouteStatus> {
  for (;;) {
    const status = (await routeAt(prefix))!;
    if (isSo(status)) return status;
    await new Promise((next) => setTimeout(next, 200));
  }
}

const canary = (candidate: string, more: object = {}) => ({
  prefix: "/search",
  canary: { stable: "v1", candidate, steps: [25, 100], step_interval_s: 5, min_requests: 20, max_p95_ratio: 100, ...more },
});

describe("a canary", { timeout: 60_000 }, () => {
  it("goes on step by step while its candidate does well, and is promoted", async () => {
    await put([canary("v2")]);
    expect(await routeAt("/search")).toMatchObject({ state: "PROGRESSING", percent: 25, split: { v1: 75, v2: 25 } });
    {
      await using traffic = load("/search/x");
      await whenAt("/search", ({ percent }) => percent === 100);
      expect(Object.keys(traffic.counts).toSorted()).toEqual(["200 v1", "200 v2"]);
      const promoted = { state: "PROMOTED", split: { v1: 0, v2: 100 } };
      expect(await whenAt("/search", ({ state }) => state !== "PROGRESSING")).toMatchObject(promoted);
    }
    await put([canary("v2")]);
    await server.restart();
    expect(await routeAt("/search")).toMatchObject({ state: "PROMOTED", percent: 100 });
  });

  it.each([
    ["answers with errors", "fails", "500 ?"],
    ["does not start, so that it reports nothing", "broken", "503 ?"],
  ])("goes back, for good, when its candidate %s", async (_, candidate, failure) => {
    await put([canary(candidate)]);
    const beganAtMs = Date.now();
    await using traffic = load("/search/x");
    expect(await whenAt("/search", ({ state }) => state !== "PROGRESSING")).toMatchObject({
      state: "ROLLED_BACK",
      percent: 0,
      split: { v1: 100, [candidate]: 0 },
      reason: expect.stringMatching(/^At 25 %: .* % errors/),
    });
    expect(Date.now() - beganAtMs).toBeLessThan(15_000);
    const { "200 v1": good = 0, [failure]: bad = 0, ...others } = traffic.counts;
    expect(others).toEqual({});
    expect(bad / (good + bad)).toBeLessThan(0.4);
    // An isolate asks every two seconds.
    await new Promise((next) => setTimeout(next, 2500));
    traffic.reset();
    await put([canary(candidate)]);
    await new Promise((next) => setTimeout(next, 1000));
    expect(Object.keys(traffic.counts)).toEqual(["200 v1"]);
  });

  it("is ended by an operator, and begins anew with another entry", async () => {
    await put([canary("v2"), { prefix: "/rank", split: split({ v1: 100 }) }]);
    const rolledBack = await api("routes/rollback", "POST", { prefix: "/search" });
    expect([rolledBack.status, rolledBack.value]).toEqual([
      200,
      expect.objectContaining({ prefix: "/search", state: "ROLLED_BACK", percent: 0 }),
    ]);
    expect((await countApps("/search", 20))["v1"]).toBe(20);
    expect((await api("routes/promote", "POST", { prefix: "/search" })).value).toMatchObject({ state: "PROMOTED" });
    await put([canary("v2"), { prefix: "/rank", split: split({ v1: 100 }) }]);
    expect(await routeAt("/search")).toMatchObject({ state: "PROMOTED", split: { v1: 0, v2: 100 } });
    await put([canary("v2", { min_requests: 30 })]);
    expect(await routeAt("/search")).toMatchObject({ state: "PROGRESSING", percent: 25 });
  });

  it.each<[string, object, number]>([
    ["a prefix without one", { prefix: "/rank" }, 404],
    ["no prefix", {}, 400],
    ["another key", { prefix: "/search", state: "PROMOTED" }, 400],
  ])("of %s cannot be ended", async (_, body, status) => {
    expect((await api("routes/promote", "POST", body)).status).toBe(status);
  });
});

describe("a shadow", { timeout: 60_000 }, () => {
  const shadowed = (application: string, percent = 100) => ({ prefix: "/s", split: split({ v1: 100 }), shadow: { application, percent } });
  const outcomes = (application: string) => shadowsIn(server, application);
  const whenCounted = async (application: string, outcome: string, count: number) => {
    while (((await outcomes(application))[outcome] ?? 0) < count) await new Promise((next) => setTimeout(next, 200));
  };

  it.each<[string, string, Record<string, string>]>([
    ["with the id that it came with", "/s", { "x-request-id": "shadowed-1" }],
    ["with one id for both where it came with none", "/s", {}],
    // Nothing but the request travels to an application at the place that it was compiled for.
    ["also at the prefix that its application was compiled for", "/rank", {}],
  ])("gets the request too, knows that it is one, and is counted by what it answers: %s", async (_, prefix, headers) => {
    await put([{ ...shadowed("v3"), prefix }]);
    const before = (await outcomes("v3"))["same_status"] ?? 0;
    const response = await server.fetch(`${prefix}/x`, { method: "POST", body: "a body", headers });
    expect(await response.json()).toEqual({ app: "v1", path: "/x", routePrefix: prefix, shadow: false, body: "a body" });
    await whenCounted("v3", "same_status", before + 1);
    const id = response.headers.get("x-request-id");
    const lines = server.logs().filter(({ requestId, message }) => requestId === id && message === "seen");
    expect(lines.map(({ app, fields }) => [app, fields["shadow"], fields["pathname"]])).toEqual([
      ["v1", undefined, "/x"],
      ["v3", true, "/x"],
    ]);
  });

  it("is not sent a large body, which is counted", async () => {
    await put([shadowed("v3")]);
    const before = (await outcomes("v3"))["skipped"] ?? 0;
    for (const body of ["x".repeat(65_537), new Blob(["x".repeat(100_000)]).stream()]) {
      expect((await ask("/s", { method: "POST", body, duplex: "half" } as RequestInit)).body).toMatch(/^x{65537,}$/);
    }
    await whenCounted("v3", "skipped", before + 2);
  });

  it("that throws is counted as other_status", async () => {
    await put([shadowed("throws")]);
    for (let request = 0; request < 5; request++) expect((await ask("/s/x")).app).toBe("v1");
    await whenCounted("throws", "other_status", 5);
  });
});
