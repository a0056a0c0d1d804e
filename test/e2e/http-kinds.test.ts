import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serve, type Server } from "edge-serve/testing";
import { abandon, exchange } from "../support/raw-http.ts";
import { isInlineSuite, suiteTarget } from "../support/suite-target.ts";

let server: Server;

beforeAll(async () => {
  server = await serve(suiteTarget("http-kinds"));
});
afterAll(() => server.stop());

const get = (path: string, headers: Record<string, string> = {}, init: RequestInit = {}) =>
  server.fetch(path, { redirect: "manual", headers, ...init });

const statusesOf = async (path: string) => {
  const responses = await Promise.all([1, 2].map(() => get(path, {}, { signal: AbortSignal.timeout(3000) })));
  await Promise.all(responses.map((response) => response.text()));
  return responses.map(({ status }) => status);
};

/**
 * Both slots of the deployment are free: neither caller is answered before both run. In a Worker requests cannot meet, and none waits for
 * a slot that is about to be free.
 */
const bothSlotsAreFree = async () => {
  if (isInlineSuite()) await expect.poll(() => statusesOf("/slow"), { timeout: 5000 }).toEqual([200, 200]);
  else expect(await statusesOf("/meet")).toEqual([200, 200]);
};

describe("a request as it comes", () => {
  const upgrade = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

  it.each([
    ["GET with a body", "GET", "Content-Length: 5\r\n", "hello", 5],
    ["GET with a length of 0", "GET", "Content-Length: 0\r\n", "", 0],
    ["GET with chunks", "GET", "Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n", 5],
    ["GET with a large body", "GET", "Content-Length: 100000\r\n", "x".repeat(100_000), 100_000],
    ["POST with a body", "POST", "Content-Length: 5\r\n", "hello", 5],
    ["POST with a length of 0", "POST", "Content-Length: 0\r\n", "", 0],
    ["POST with chunks", "POST", "Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n", 5],
    ["POST with a large body", "POST", "Content-Length: 100000\r\n", "x".repeat(100_000), 100_000],
    ["DELETE with a body", "DELETE", "Content-Length: 5\r\n", "hello", 5],
    ["OPTIONS with a body", "OPTIONS", "Content-Length: 5\r\n", "hello", 5],
    ["PURGE with a body", "PURGE", "Content-Length: 5\r\n", "hello", 5],
    ["TRACE", "TRACE", "", "", 0],
    ["PUT without a body", "PUT", "", "", 0],
  ])("reaches the handler: %s", async (...[, method, headers, body, length]) => {
    for (const prefix of ["", "/kinds", "/timed"]) {
      const answer = await exchange(server.url, `${method} ${prefix}/body HTTP/1.1\r\n${headers.trimEnd()}`.trimEnd(), body);
      expect([prefix, answer.status]).toEqual([prefix, 200]);
      expect(answer.body).toContain(`{"method":"${method}","length":${length}}`);
    }
  });

  it.each([
    ["HEAD with a length of 0", "HEAD", "Content-Length: 0\r\n", ""],
    ["HEAD with a body", "HEAD", "Content-Length: 5\r\n", "hello"],
    ["an upgrade with a length of 0", "GET", `${upgrade}Content-Length: 0\r\n`, ""],
    ["an upgrade with a body", "GET", `${upgrade}Content-Length: 5\r\n`, "hello"],
    ["an upgrade by POST", "POST", `${upgrade}Content-Length: 0\r\n`, ""],
  ])("reaches the handler: %s", async (_, method, headers, body) => {
    for (const prefix of ["", "/kinds", "/timed"]) {
      const answer = await exchange(server.url, `${method} ${prefix}/x HTTP/1.1\r\n${headers.trimEnd()}`, body);
      expect([prefix, answer.status]).toEqual([prefix, 200]);
      expect(answer.head).toContain("x-request-id: ");
    }
  });

  it.each([
    ["small", "Content-Length: 1000"],
    ["large", "Content-Length: 1000000"],
    ["of unknown length", "Transfer-Encoding: chunked"],
  ])("whose client goes away during a body that is %s loses no replica and no slot", async (_, length) => {
    for (let n = 0; n < 3; n++) await abandon(server.url, `POST /body HTTP/1.1\r\n${length}`, { body: "40\r\nx", isUpload: true });
    await bothSlotsAreFree();
    expect(server.logs().filter(({ message }) => message.includes("replica"))).toEqual([]);
  });

  it("has the framework's own data nowhere, and the id everywhere", async () => {
    for (const headers of [{}, { "x-request-id": "given" }, { "x-request-id": "not fit" }]) {
      const response = await get("/seen", headers as Record<string, string>);
      const id = response.headers.get("x-request-id");
      const copies = (await response.json()) as { id: string; cf: string[] }[];
      expect(copies.map((copy) => copy.id)).toEqual([id, id, id]);
      expect(copies.flatMap(({ cf }) => cf).filter((key) => key === "edgeServe")).toEqual([]);
    }
    const response = await get("/giver");
    const passed = (await response.json()) as { id: string; cf: string[] };
    expect(passed.id).toBe(response.headers.get("x-request-id"));
    expect(passed.cf).not.toContain("edgeServe");
  });
});

describe("the id of a request", () => {
  it("is the handler's own if that is fit", async () => {
    expect((await get("/own-id?id=order-7.a")).headers.get("x-request-id")).toBe("order-7.a");
    for (const unfit of ["with%20space", "", "x".repeat(129)])
      expect((await get(`/own-id?id=${unfit}`)).headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("is one for the program and the client, with Hono's own middleware", async () => {
    const response = await get("/site/id");
    const id = response.headers.get("x-request-id");
    expect(await response.json()).toEqual({ seen: id, variable: id });
  });

  it.each([
    "/-/healthz",
    "/-/routes",
    "/-/nothing",
    "/-/api/applications",
    "/-/rpc/kinds",
    "/-/dashboard",
    "/unsendable/error",
    "/status?of=404",
  ])("is on every answer: %s", async (path) => {
    expect((await get(path)).headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe("a response that cannot be sent", () => {
  it.each([
    "error",
    "proxy",
    "clever-proxy",
    "heir",
    "other-library",
    "used",
    "locked",
    "thrown-error",
    "thrown-proxy",
    "thrown-used",
    "socket-for-get",
  ])("is a mistake of the handler's: %s", async (kind) => {
    const id = `unsendable-${kind}`;
    const response = await get(`/unsendable/${kind}`, { "x-request-id": id });
    expect([response.status, response.headers.get("retry-after"), await response.text()]).toEqual([500, null, "Internal Server Error"]);
    const lines = server.logs().filter(({ fields }) => fields["requestId"] === id);
    expect(lines.map(({ level, fields }) => [level, fields["status"]])).toEqual([
      ["ERROR", undefined],
      ["INFO", 500],
    ]);
    expect(String(lines[0]?.fields["error"])).toMatch(/^TypeError: /);
    await bothSlotsAreFree();
  });

  it("breaks off where its stream has something else than bytes, with one line in the log", async () => {
    const id = "objects";
    await get("/objects", { "x-request-id": id })
      .then((response) => response.text())
      .catch(() => {});
    const line = await server.waitForLog(({ level, fields }) => level === "ERROR" && fields["requestId"] === id);
    expect(String(line.fields["error"])).toContain("TypeError");
    await bothSlotsAreFree();
    expect(server.logs().filter(({ level, fields }) => level === "ERROR" && fields["requestId"] === id)).toHaveLength(1);
  });

  it.each([
    [404, ["INFO"]],
    [503, ["ERROR", "INFO"]],
  ])("is not a thrown object with the status %i and no message: the body says it, and the log", async (status, levels) => {
    const id = `status-${status}`;
    const response = await get(`/status?of=${status}`, { "x-request-id": id });
    expect([response.status, await response.text()]).toEqual([status, expect.stringMatching(/./)]);
    expect(server.logs().flatMap(({ level, fields }) => (fields["requestId"] === id ? [level] : []))).toEqual(levels);
  });
});

describe("an address in an answer behind a prefix", () => {
  it("is one that the client can reach", async () => {
    const redirect = await get("/site/redirect");
    expect(redirect.headers.get("location")).toBe("/site/home");
    const trimmed = await get("/site/item/7/");
    expect(new URL(trimmed.headers.get("location") ?? "", server.url).pathname).toBe("/site/item/7");
    expect(await (await get("/site/item/7")).text()).toBe("item 7");
    const created = await get("/site/created");
    expect([created.headers.get("location"), created.headers.get("content-location")]).toEqual([
      "/site/item/1",
      `${new URL(server.url).origin}/site/item/1?v=2`,
    ]);
  });

  it.each(["/site/home", "../x", "?q", "//elsewhere.test/x", "http://elsewhere.test/home"])("is left as it is: %s", async (to) => {
    expect((await get(`/site/redirect?to=${encodeURIComponent(to)}`)).headers.get("location")).toBe(to);
    expect((await get("/site/fetched")).headers.get("location")).toBe("http://elsewhere.test/x");
  });
});

describe("a router's handlers", () => {
  it("have the Worker's context", async () => {
    expect(await (await get("/site/context")).text()).toBe("object");
    expect((await get("/itty/context")).status).toBe(200);
  });

  it.each([
    ["itty", "/itty/json", 400],
    ["Hono", "/site/json", 500],
  ])("answer JSON that is none as %s does by itself", async (_, path, status) => {
    expect((await get(path, {}, { method: "POST", body: "{oops" })).status).toBe(status);
  });
});

describe("a stream", () => {
  it.each(["/slow", "/slow-html", "/kinds/slow"])("reaches a client that accepts gzip chunk by chunk: %s", async (path) => {
    const response = await fetch(new URL(path, server.url), { headers: { "accept-encoding": "gzip, deflate, br" } });
    const chunks: string[] = [];
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) chunks.push(chunk);
    expect(chunks).toEqual(["chunk 0\n", "chunk 1\n", "chunk 2\n", "chunk 3\n", "chunk 4\n"]);
  });

  it("of a generator is server-sent events where these are accepted", async () => {
    const response = await get("/events", { accept: "text/event-stream" });
    expect([response.headers.get("content-type"), response.headers.get("cache-control")]).toEqual(["text/event-stream", "no-cache"]);
    expect(await response.text()).toBe(
      'data: two\ndata: lines\n\nevent: greeting\nid: 7\nretry: 1500\ndata: {"hello":"world"}\n\ndata: {"n":1}\n\n',
    );
    const plain = await get("/events", { accept: "*/*" });
    expect(plain.headers.get("content-type")).toBe("text/plain; charset=utf-8");
  });

  it.each(["/endless", "/endless-own"])("stops when its client resets the connection: %s", async (path) => {
    const id = `reset${path.replace("/", ".")}`;
    await abandon(server.url, `GET ${path} HTTP/1.1\r\nX-Request-Id: ${id}`);
    await expect.poll(async () => (await get(`/ends?of=${id}`)).text()).toBe("generator stopped");
    await bothSlotsAreFree();
  });

  it.each(["/endless", "/endless-own"])("is not made for a HEAD request: %s", async (path) => {
    const id = `head${path.replace("/", ".")}`;
    const response = await get(path, { "x-request-id": id }, { method: "HEAD" });
    expect([response.status, await response.text()]).toEqual([200, ""]);
    await expect.poll(async () => (await get(`/ends?of=${id}`)).text()).toBe("generator stopped");
    await bothSlotsAreFree();
  });
});

it("writes the path that the client sent, the route and the status of each request into its log", async () => {
  await get("/kinds/a/b?secret=1", { "x-request-id": "access" });
  const line = await server.waitForLog(({ fields }) => fields["requestId"] === "access" && fields["status"] !== undefined);
  expect(line.fields).toMatchObject({
    method: "GET",
    path: "/kinds/a/b",
    route: "/kinds",
    status: 200,
    app: "prefixed",
    deployment: "Kinds",
  });
  expect(line.fields["durationMs"]).toBeTypeOf("number");
});
