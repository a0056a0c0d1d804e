import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DeploymentUnavailableError } from "../../../src/protocol/errors.ts";
import type { Manifest } from "../../../src/protocol/manifest.ts";
import type { RequestMeta } from "../../../src/protocol/messages.ts";
import type { PreparedRequest } from "../../../src/ingress/application-routes.ts";
import { createIngress } from "../../../src/ingress/ingress.ts";
import { resendable } from "../../../src/router/send.ts";

const applications = [
  { name: "root", routePrefix: "/", ingress: "Root" },
  { name: "news", routePrefix: "/news", ingress: "Front" },
  { name: "hidden", routePrefix: null, ingress: "Inner" },
];

const WORKER = { env: {}, keepAlive: () => {} };

const requestOf = (sent: Request | PreparedRequest) => (sent instanceof Request ? sent : sent.request());

interface Seen {
  readonly app: string;
  readonly url: string;
  readonly meta: RequestMeta;
}

function ingressOf(apps: readonly object[], fail?: unknown) {
  const seen: Seen[] = [];
  const handle = createIngress({
    manifest: { version: "v", applications: apps } as unknown as Manifest,
    targetOf: (app) => ({
      requestTimeoutMs: null,
      routePrefix: null,
      isGone: false,
      routing: 0,
      prepare: resendable,
      async fetch(request, meta) {
        seen.push({ app, url: requestOf(request).url, meta });
        if (fail !== undefined) throw fail;
        return new Response(app, { headers: { "x-request-id": meta.requestId } });
      },
    }),
  });
  const get = (path: string, headers: Record<string, string> = {}) => handle(new Request(`http://host${path}`, { headers }), WORKER);
  return { get, seen };
}

describe("the ingress", () => {
  it("gives a request to the application of its path, which sees the path without the prefix", async () => {
    const { get, seen } = ingressOf(applications);
    for (const path of ["/", "/news", "/news/a?b=1", "/newspaper", "/news?q=/news/x", "/x/news"]) await get(path);
    expect(seen.map(({ app, url }) => [app, url])).toEqual([
      ["root", "http://host/"],
      ["news", "http://host/"],
      ["news", "http://host/a?b=1"],
      ["root", "http://host/newspaper"],
      ["news", "http://host/?q=/news/x"],
      ["root", "http://host/x/news"],
    ]);
    expect(seen[2]?.meta).toMatchObject({ routePrefix: "/news", chain: ["news/Front"], hops: 0 });
  });

  it.each([
    ["/news", undefined],
    ["/news/", true],
    ["/news/?q=1", true],
    ["/news//", undefined],
    ["/news/a", undefined],
    ["/", undefined],
  ])("says what the application's path does not show: whether %s has the prefix and a slash", async (path, hasSlash) => {
    const { get, seen } = ingressOf(applications);
    await get(path);
    expect(seen[0]?.meta.hasSlash).toBe(hasSlash);
  });

  it("answers 404 for a path that no application has", async () => {
    const { get } = ingressOf(applications.slice(1));
    const response = await get("/x?y=1");
    expect([response.status, response.headers.get("content-type")]).toEqual([404, "text/plain; charset=utf-8"]);
    expect(await response.text()).toBe("Path '/x' not found. Ping http://host/-/routes for available routes.");
  });

  it("lists the routes of applications that have one, and is healthy", async () => {
    const { get, seen } = ingressOf(applications);
    expect(await (await get("/-/routes")).json()).toEqual({ "/": "root", "/news": "news" });
    const health = await get("/-/healthz");
    expect([health.status, await health.text()]).toEqual([200, "success"]);
    expect((await get("/-/api/applications")).status).toBe(404);
    expect(seen).toEqual([]);
  });

  it.each(["a", "A-1._", "x".repeat(128)])("keeps the request id %s", async (id) => {
    const { get, seen } = ingressOf(applications);
    expect((await get("/", { "x-request-id": id })).headers.get("x-request-id")).toBe(id);
    expect(seen[0]?.meta.requestId).toBe(id);
  });

  it.each(["", "a b", "a/b", "x".repeat(129), "<script>"])("makes a new request id for %j", async (id) => {
    const { get, seen } = ingressOf(applications);
    const response = await get("/", { "x-request-id": id });
    expect(response.headers.get("x-request-id")).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(seen[0]?.meta.requestId).toBe(response.headers.get("x-request-id"));
  });

  it("[N1] puts a request id on every answer", async () => {
    const { get } = ingressOf(applications.slice(1), new Error("lost"));
    for (const path of ["/x", "/news", "/-/healthz", "/-/routes", "/-/nothing"])
      expect((await get(path)).headers.get("x-request-id"), path).toBeTruthy();
    expect((await get("/news")).status).toBe(500);
  });

  it("takes the model id, in both spellings, the key and the trace from headers", async () => {
    const { get, seen } = ingressOf(applications);
    const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    await get("/", { "serve-multiplexed-model-id": "m1", "x-session-id": "s1", traceparent: trace });
    await get("/", { serve_multiplexed_model_id: "m2" });
    await get("/");
    expect(seen[0]?.meta).toMatchObject({ multiplexedModelId: "m1", key: "s1", traceparent: trace });
    expect(seen[1]?.meta.multiplexedModelId).toBe("m2");
    const { multiplexedModelId, key, traceparent, deadline } = seen[2]!.meta;
    expect([multiplexedModelId, key, traceparent, deadline]).toEqual([undefined, undefined, undefined, undefined]);
  });
});

describe("a request whose application has moved", () => {
  /** Two applications that were swapped since the code was compiled: their replicas know, the ingress does not. */
  function swappedIngress(ask: () => void = () => {}) {
    const now: Record<string, string> = { one: "/b", two: "/a" };
    const got: { readonly app: string; readonly url: string; readonly body: string }[] = [];
    const handle = createIngress({
      manifest: {
        version: "v",
        applications: [
          { name: "one", routePrefix: "/a", ingress: "One" },
          { name: "two", routePrefix: "/b", ingress: "Two" },
        ],
      } as unknown as Manifest,
      targetOf: (app) => ({
        requestTimeoutMs: app === "two" ? 1000 : null,
        routePrefix: now[app] ?? null,
        isGone: false,
        routing: 0,
        prepare: resendable,
        async fetch(sent, { requestId, routePrefix }) {
          if (routePrefix !== now[app]) throw new DeploymentUnavailableError("It is elsewhere.");
          const request = requestOf(sent);
          got.push({ app, url: request.url, body: await request.text() });
          return new Response(app, { headers: { "x-request-id": requestId } });
        },
      }),
      control: {
        traffic: async () => {
          ask();
          return {
            routing: 0,
            table: { revision: 0, entries: [] },
            applications: {
              one: { name: "one", routePrefix: "/b", ingress: "One" },
              two: { name: "two", routePrefix: "/a", ingress: "Two" },
            } as never,
          };
        },
        unready: async () => [],
      },
    });
    return { handle, got };
  }

  it.each([
    ["a small body", "hello", "5"],
    ["an empty body", "", "0"],
    ["a large body", "x".repeat(100_000), "100000"],
    ["no body", undefined, undefined],
    ["a body of unknown length", "hello", undefined],
  ])("[N4] goes where it is now, with %s", async (_, body, length) => {
    for (const method of body === undefined ? ["GET", "POST"] : ["POST", "DELETE"]) {
      const { handle, got } = swappedIngress();
      const headers = length === undefined ? {} : { "content-length": length };
      for (const prefix of ["/a", "/b"]) {
        const init = { method, headers, ...(body === undefined ? {} : { body, duplex: "half" }) } as RequestInit;
        const response = await handle(new Request(`http://host${prefix}/x?q=1`, init), WORKER);
        expect([response.status, response.headers.has("x-request-id")]).toEqual([200, true]);
      }
      expect(got).toEqual(["two", "one"].map((app) => ({ app, url: "http://host/x?q=1", body: body ?? "" })));
    }
  });

  it("is answered 503, and not 404, while the routes cannot be asked for", async () => {
    let isReached = false;
    const { handle } = swappedIngress(() => {
      if (!isReached) throw new Error("gone");
    });
    const statusOf = async (path: string) => (await handle(new Request(`http://host${path}`), WORKER)).status;
    // The first finds that its application has moved to /b, and so nobody is known to be at /a.
    expect(await statusOf("/a/x")).toBe(503);
    expect(await statusOf("/a/x")).toBe(503);
    isReached = true;
    expect([await statusOf("/a/x"), await statusOf("/b/x"), await statusOf("/c")]).toEqual([200, 200, 404]);
  });
});

describe("what fails in the ingress itself", () => {
  it("[N1] is answered 500 with an id, and logged", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const { get } = ingressOf(applications, new TypeError("a bug"));
    const response = await get("/", { "x-request-id": "r9" });
    expect([response.status, response.headers.get("x-request-id"), await response.text()]).toEqual([500, "r9", "Internal Server Error"]);
    expect(log.mock.calls.flat().join()).toMatch(/r9.*a bug/);
    log.mockRestore();
  });

  it("[N1] is a system page with immutable headers, too", async () => {
    const handle = createIngress({
      manifest: { version: "v", applications: [] } as unknown as Manifest,
      targetOf: () => {
        throw new Error("not used");
      },
      system: async () => Response.redirect("http://host/elsewhere", 302),
    });
    const response = await handle(new Request("http://host/-/dashboard"), WORKER);
    expect([response.status, response.headers.has("x-request-id")]).toEqual([302, true]);
  });
});

describe("the deadline of an HTTP request", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** An ingress to one application, which answers once it is let go. */
  function slowIngress(requestTimeoutMs: number | null, httpTimeoutMs?: number) {
    const sent: { readonly request: Request; readonly meta: RequestMeta }[] = [];
    const answer = Promise.withResolvers<Response>();
    const application = { ...applications[0], ...(httpTimeoutMs === undefined ? {} : { httpTimeoutMs }) };
    const handle = createIngress({
      manifest: { version: "v", applications: [application] } as unknown as Manifest,
      targetOf: () => ({
        requestTimeoutMs,
        routePrefix: null,
        isGone: false,
        routing: 0,
        prepare: resendable,
        fetch(request, meta) {
          sent.push({ request: requestOf(request), meta });
          return answer.promise;
        },
      }),
    });
    return { sent, answer, get: (init: RequestInit = {}) => handle(new Request("http://host/", init), WORKER) };
  }

  it("goes with the request; when it passes the client gets 408, and what was sent is aborted", async () => {
    const { sent, get } = slowIngress(30);
    const response = get({ headers: { "x-request-id": "r7" } });
    expect(sent[0]?.meta.deadline).toBe(Date.now() + 30);
    await vi.advanceTimersByTimeAsync(30);
    const { status, headers } = await response;
    expect([status, headers.get("x-request-id"), sent[0]?.request.signal.aborted]).toEqual([408, "r7", true]);
  });

  it("leaves no timer behind when the answer is there in time, and does not abort it later", async () => {
    const { sent, answer, get } = slowIngress(30);
    const response = get();
    answer.resolve(new Response("ok"));
    expect(await (await response).text()).toBe("ok");
    expect(vi.getTimerCount()).toBe(0);
    expect(sent[0]?.request.signal.aborted).toBe(false);
  });

  it("is the deployment's, else the one for all HTTP requests, else none", () => {
    const now = Date.now();
    const deadlines = [slowIngress(30, 60), slowIngress(null, 60), slowIngress(null)].map(({ get, sent }) => {
      void get();
      return sent[0]?.meta.deadline;
    });
    expect(deadlines).toEqual([now + 30, now + 60, undefined]);
  });

  it("does not keep a client that goes away from aborting the request", () => {
    const client = new AbortController();
    const { sent, get } = slowIngress(30);
    void get({ signal: client.signal });
    client.abort();
    expect(sent[0]?.request.signal.aborted).toBe(true);
  });
});
