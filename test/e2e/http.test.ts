import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serve, type Server } from "edge-serve/testing";
import { isInlineSuite, suiteTarget } from "../support/suite-target.ts";

let server: Server;

beforeAll(async () => {
  server = await serve(suiteTarget("http"), { vars: { GREETING: "hello" } });
});
afterAll(() => server.stop());

/** What is about replicas and their objects. */
const ofReplicas = it.skipIf(isInlineSuite());

const get = (path: string, init?: RequestInit) => server.fetch(path, { redirect: "manual", ...init });

describe("what a handler returns", () => {
  it.each([
    ["/string", "text/plain; charset=utf-8", "text"],
    ["/null", "application/json", "null"],
    ["/number", "application/json", "42"],
    ["/object", "application/json", '{"a":[1,{"b":"c"}],"at":"1970-01-01T00:00:00.000Z"}'],
    ["/undefined", null, ""],
    ["/generator", "text/plain; charset=utf-8", "hi_0hi_1hi_2hi_3hi_4hi_5hi_6hi_7hi_8hi_9"],
    ["/sync-generator", "application/octet-stream", "AB"],
    ["/json-lines", "application/x-ndjson", '{"n":1}\n{"n":2}\n'],
    ["/empty-generator", null, ""],
    ["/stream", "text/plain; charset=utf-8", "text and bytes"],
    ["/generator-fn", "text/plain; charset=utf-8", "one two"],
    ["/fn/a/b", "text/plain; charset=utf-8", "you asked for /a/b!"],
  ])("%s is sent as %s", async (path, type, body) => {
    const response = await get(path);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe(type);
    expect(await response.text()).toBe(body);
  });

  it.each([
    ["/bytes", [1, 2, 3]],
    ["/buffer", [4, 5]],
  ])("%s is sent byte for byte", async (path, bytes) => {
    const response = await get(path);
    expect(response.headers.get("content-type")).toBe("application/octet-stream");
    expect([...new Uint8Array(await response.arrayBuffer())]).toEqual(bytes);
  });

  it("sends a Response as it is", async () => {
    const response = await get("/response");
    expect([response.status, response.headers.get("x-mine"), response.headers.get("content-type"), await response.text()]).toEqual([
      201,
      "yes",
      "text/x-mine",
      "made",
    ]);
  });

  it("keeps every cookie", async () => {
    expect((await get("/cookies")).headers.getSetCookie()).toEqual(["a=1", "b=2"]);
  });

  it("adds the request id to a response whose headers are immutable", async () => {
    const response = await get("/redirect");
    expect([response.status, response.headers.get("location")]).toEqual([301, "http://example.test/elsewhere"]);
    expect(response.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  });

  it.each([
    ["/map", "a Map"],
    ["/bigint", "a bigint at .deep[0].big"],
    ["/own-context", "AbortSignal at .signal"],
  ])("answers 500 for %s and says in the log which value JSON cannot carry", async (path, named) => {
    const response = await get(path, { headers: { "x-request-id": `log${path.replace("/", ".")}` } });
    expect([response.status, await response.text()]).toEqual([500, "Internal Server Error"]);
    await server.waitForLog(({ fields, message }) => fields["requestId"] === `log${path.replace("/", ".")}` && message.includes(named));
  });
});

describe("what a handler throws", () => {
  it.each(["/throw", "/throw-bad-status", "/throw-before-first"])(
    "tells the client nothing of %s, and the log everything",
    async (path) => {
      const requestId = `throws${path.replace("/", ".")}`;
      const response = await get(path, { headers: { "x-request-id": requestId } });
      expect([response.status, await response.text(), response.headers.get("x-request-id")]).toEqual([
        500,
        "Internal Server Error",
        requestId,
      ]);
      const line = await server.waitForLog(({ level, fields }) => level === "ERROR" && fields["requestId"] === requestId);
      expect(line.message).toBe("secret detail");
      expect(String(line.fields["error"])).toMatch(/Error: secret detail\n\s+at /);
    },
  );

  it("sends a thrown Response", async () => {
    const response = await get("/throw-response");
    expect([response.status, await response.text()]).toEqual([418, "thrown"]);
  });

  it("shows the message of an error with a status from 400 to 599", async () => {
    const response = await get("/throw-status");
    expect([response.status, await response.text()]).toEqual([404, "no such document"]);
  });

  it("breaks the connection when a stream fails after it has begun, and says why in the log", async () => {
    const requestId = "mid-stream";
    await get("/throw-mid-stream", { headers: { "x-request-id": requestId } })
      .then((response) => response.text())
      .catch(() => {});
    const line = await server.waitForLog(({ level, fields }) => level === "ERROR" && fields["requestId"] === requestId);
    expect(line.message).toContain("stream failed");
  });

  it("answers 400 to a body that is not JSON, and says so", async () => {
    const response = await get("/json", { method: "POST", body: "{oops" });
    expect(response.status).toBe(400);
    expect(await response.text()).toMatch(/^The body of POST \/json is not JSON: /);
  });

  it("answers 503 without a detail when the constructor throws, and logs the detail", async () => {
    const response = await get("/broken");
    expect([response.status, response.headers.get("retry-after"), await response.text()]).toEqual([503, "1", "Service Unavailable"]);
    await server.waitForLog(({ message }) => message.includes("its constructor threw Error: secret constructor detail"));
  });

  ofReplicas("answers 503 when there is no replica", async () => {
    expect((await get("/nobody")).status).toBe(503);
  });
});

describe("which application a request reaches", () => {
  it.each([
    ["/context", "Context"],
    ["/context/", "Context"],
    ["/context/a", "Context"],
    ["/context/deep", "Context"],
  ])("%s is under /context", async (path, deployment) => {
    expect((await (await get(path)).json()) as object).toMatchObject({ replica: { deployment }, request: { routePrefix: "/context" } });
  });

  it.each([
    ["/contextual", "/contextual"],
    ["/context/deeper", "/"],
    ["/context/deeper/", "/"],
    ["/context/deeper/x/y?q=1", "/x/y"],
  ])("%s reaches the longest prefix by whole segments and is seen as %s", async (path, seen) => {
    const { pathname, url } = (await (await get(path)).json()) as { pathname: string; url: string };
    expect(pathname).toBe(seen);
    expect(new URL(url).search).toBe(new URL(path, server.url).search);
  });

  it("lists the routes and answers its health check", async () => {
    const routes = await get("/-/routes");
    expect(await routes.json()).toMatchObject({ "/": "conversions", "/context": "context", "/fn": "fn" });
    expect(routes.headers.has("x-request-id")).toBe(true);
    // One of these applications does not start, on purpose. Of one that is inline nobody knows before somebody calls it.
    const health = await get("/-/healthz");
    const expected = isInlineSuite() ? [200, "success"] : [503, 'Application "broken" is DEPLOY_FAILED.'];
    expect([health.status, await health.text()]).toEqual(expected);
  });

  it("answers 404 under /-/ without asking an application", async () => {
    const response = await get("/-/nothing");
    expect([response.status, response.headers.get("content-type")]).toEqual([404, "text/plain; charset=utf-8"]);
    expect(await response.text()).toBe(
      `Path '/-/nothing' not found. Ping http://${new URL(server.url).host}/-/routes for available routes.`,
    );
  });
});

describe("what travels with a request", () => {
  it("keeps a request id that is fit, and makes one otherwise", async () => {
    const fit = await get("/context", { headers: { "x-request-id": "123-234" } });
    expect([fit.headers.get("x-request-id"), ((await fit.json()) as { request: { requestId: string } }).request.requestId]).toEqual([
      "123-234",
      "123-234",
    ]);
    for (const unfit of ["with space", "x".repeat(129), "semi;colon"]) {
      const response = await get("/context", { headers: { "x-request-id": unfit } });
      expect(response.headers.get("x-request-id")).toMatch(/^[0-9a-f]{8}-[0-9a-f-]{27}$/);
    }
  });

  it("keeps 20 requests with one id apart", async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, async (_, n) =>
        (await get("/echo", { method: "POST", body: String(n), headers: { "x-request-id": "same" } })).text(),
      ),
    );
    expect(answers).toEqual(Array.from({ length: 20 }, (_, n) => String(n)));
  });

  it("takes the model id, the session and the trace from their headers", async () => {
    const headers = {
      "serve-multiplexed-model-id": "m1",
      "x-session-id": "s1",
      traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    };
    expect(await (await get("/context", { headers })).json()).toMatchObject({
      request: {
        multiplexedModelId: "m1",
        key: "s1",
        traceparent: expect.stringMatching(/^00-0af7651916cd43dd8448eb211c80319c-(?!b7ad6b7169203331)[0-9a-f]{16}-01$/),
      },
    });
    expect(await (await get("/context", { headers: { serve_multiplexed_model_id: "m2" } })).json()).toMatchObject({
      request: { multiplexedModelId: "m2" },
    });
  });

  it("gives user code the client's headers and no others", async () => {
    const { headers } = (await (await get("/plain", { headers: { "x-mine": "1" } })).json()) as { headers: Record<string, string> };
    expect(headers["x-mine"]).toBe("1");
    expect(Object.keys(headers).filter((name) => /serve|replica|hop|chain/.test(name))).toEqual([]);
  });

  it("has a context with the documented fields and nothing of the Worker's", async () => {
    const text = await (await get("/spread-context", { headers: { "x-request-id": "mine", "x-session-id": "s1" } })).text();
    const { traceparent, ...rest } = JSON.parse(text) as Record<string, unknown>;
    expect(rest).toEqual({ requestId: "mine", routePrefix: "/", key: "s1", shadow: false, aborted: false });
    expect(traceparent).toMatch(/^00-/);
  });

  ofReplicas("tells a replica who it is", async () => {
    const { replica } = (await (await get("/context/object")).json()) as { replica: Record<string, unknown> };
    expect(replica).toMatchObject({ appName: "context", deployment: "Context", greeting: "hello" });
    expect(replica["replicaId"]).toMatch(/^context\/Context\/-\/[01]\.0$/);
    expect(replica["object"]).toBe(replica["replicaId"]);
  });

  ofReplicas("spreads requests over the replicas", async () => {
    const ordinals = new Set<unknown>();
    for (let n = 0; n < 40 && ordinals.size < 2; n++)
      ordinals.add(((await (await get("/context")).json()) as { replica: { ordinal: number } }).replica.ordinal);
    expect(ordinals).toEqual(new Set([0, 1]));
  });

  it("logs JSON lines with where they come from", async () => {
    await get("/context/logged", { headers: { "x-request-id": "logged" } });
    const line = await server.waitForLog(({ message, fields }) => message === "context seen" && fields["requestId"] === "logged");
    expect(line).toMatchObject({ level: "INFO", fields: { app: "context", deployment: "Context", route: "/context", path: "/logged" } });
    await server.waitForLog(({ message, fields }) => /^GET \/context 200 \d+ms$/.test(message) && fields["requestId"] === "logged");
  });
});

describe("streams", () => {
  it("passes a large request body through, and the answer back", async () => {
    const body = "0123456789".repeat(500_000);
    const response = await get("/echo", { method: "POST", body, headers: { "content-type": "text/x-large" } });
    expect(response.headers.get("content-type")).toBe("text/x-large");
    expect((await response.text()).length).toBe(body.length);
  });
});

describe("WebSockets", () => {
  const open = (path: string) =>
    new Promise<WebSocket>((resolve, reject) => {
      const socket = new WebSocket(new URL(path, server.url.replace("http", "ws")));
      socket.binaryType = "arraybuffer";
      socket.addEventListener("open", () => resolve(socket), { once: true });
      socket.addEventListener("error", () => reject(new Error("The socket did not open.")), { once: true });
    });
  const next = (socket: WebSocket) =>
    new Promise<unknown>((resolve) => socket.addEventListener("message", ({ data }) => resolve(data), { once: true }));

  it("carries text and bytes both ways, and the close code and reason", async () => {
    const socket = await open("/ws/room");
    const text = next(socket);
    socket.send("hi");
    expect(await text).toBe("echo hi");
    const bytes = next(socket);
    socket.send(new Uint8Array([1, 2, 3]));
    expect([...new Uint8Array((await bytes) as ArrayBuffer)]).toEqual([3, 2, 1]);
    const closed = new Promise<{ code: number; reason: string }>((resolve) => socket.addEventListener("close", resolve, { once: true }));
    socket.send("close");
    expect(await closed).toMatchObject({ code: 4001, reason: "as asked" });
  });

  it("answers ordinary requests beside them", async () => {
    expect(await (await get("/ws")).text()).toBe("unary");
  });
});

it("puts the request id on the answer to an upgrade", async () => {
  const { port } = new URL(server.url);
  const head = await new Promise<string>((resolve, reject) => {
    const socket = connect(Number(port), "127.0.0.1", () =>
      socket.write(
        `GET /ws HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX-Request-Id: upgrade-1\r\n` +
          "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
      ),
    );
    socket.once("data", (data) => {
      socket.destroy();
      resolve(String(data));
    });
    socket.once("error", reject);
  });
  expect(head).toMatch(/^HTTP\/1\.1 101 /);
  expect(head.toLowerCase()).toContain("x-request-id: upgrade-1");
});
