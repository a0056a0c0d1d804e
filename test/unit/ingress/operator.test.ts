import { beforeEach, afterEach, describe, expect, it, vi } from "vitest";
import { answerOperator, OPERATOR_TOKEN, type OperatorPorts } from "../../../src/operator/operator.ts";

const AUTHORIZED = { authorization: "Bearer secret" };

function operator(changes: Partial<OperatorPorts> = {}) {
  const done: unknown[] = [];
  const ports: OperatorPorts = {
    plan: (document) => ({ applications: [document as never], diagnostics: [] }),
    put: async (applications) => done.push(["put", applications]),
    remove: async (app) => done.push(["remove", app]) > 0 && app === "main",
    config: async () => ({ applications: [] }),
    scrape: async () => [{ app: "main", metrics: undefined }],
    details: async () => [{ name: "main" } as never],
    routes: async () => ({ status: {}, measured: {}, shadows: [] }),
    order: async (order) => done.push(["order", order]) > 0 && order.prefix === "/search",
    scale: async (...args) => void done.push(["scale", ...args]),
    ...changes,
  };
  const send = async (
    method: string,
    path: string,
    { headers = AUTHORIZED, body }: { headers?: RequestInit["headers"]; body?: RequestInit["body"] } = {},
  ) => {
    const request = new Request(`http://host${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body, duplex: "half" }),
    } as RequestInit);
    const response = await answerOperator(request, path, { [OPERATOR_TOKEN]: "secret" }, ports);
    return { status: response!.status, text: await response!.text(), allow: response!.headers.get("allow") };
  };
  return { done, ports, send };
}

beforeEach(() => {
  // Workers have it; Node does not.
  Object.defineProperty(crypto.subtle, "timingSafeEqual", {
    configurable: true,
    value: (a: ArrayBuffer, b: ArrayBuffer) => Buffer.from(a).equals(Buffer.from(b)),
  });
  vi.spyOn(console, "error").mockImplementation(() => {});
});
afterEach(() => {
  Reflect.deleteProperty(crypto.subtle, "timingSafeEqual");
  vi.restoreAllMocks();
});

const ROUTES: [method: string, path: string][] = [
  ["GET", "/-/api/config"],
  ["GET", "/-/api/applications"],
  ["GET", "/-/api/metrics"],
  ["GET", "/-/dashboard"],
  ["PUT", "/-/api/applications"],
  ["GET", "/-/api/applications/main"],
  ["DELETE", "/-/api/applications/main"],
  ["POST", "/-/api/applications/main/deployments/Model/scale"],
  ["GET", "/-/api/nothing"],
];

describe("[O1] without the token", () => {
  it.each(ROUTES)("%s %s is refused, and nothing is done", async (method, path) => {
    const { done, send, ports } = operator();
    for (const headers of [{}, { authorization: "Basic secret" }]) expect((await send(method, path, { headers })).status).toBe(401);
    for (const token of ["wrong", "secre", "secrets", " secret"]) {
      expect((await send(method, path, { headers: { authorization: `Bearer ${token}x` } })).status).toBe(403);
    }
    for (const env of [{}, undefined, { [OPERATOR_TOKEN]: "" }, { [OPERATOR_TOKEN]: 7 }]) {
      const request = new Request(`http://host${path}`, { method, headers: { authorization: "Bearer undefined" } });
      expect((await answerOperator(request, path, env, ports))!.status).toBe(403);
    }
    expect(done).toEqual([]);
  });
});

describe("the operator's API", () => {
  it("answers with metrics as Prometheus asks for them", async () => {
    const { ports } = operator();
    const request = new Request("http://host/-/api/metrics", { headers: AUTHORIZED });
    const response = (await answerOperator(request, "/-/api/metrics", { [OPERATOR_TOKEN]: "secret" }, ports))!;
    expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(await response.text()).toContain('serve_controller_up{application="main"} 0\n');
  });

  it("has only what is under its prefix", () => {
    const { ports } = operator();
    for (const path of ["/", "/-/healthz", "/-/apix", "/api/applications"]) {
      expect(answerOperator(new Request(`http://host${path}`), path, {}, ports)).toBeUndefined();
    }
  });

  it("acts on what the path names", async () => {
    const { done, send } = operator();
    expect((await send("PUT", "/-/api/applications", { body: '{"a":1}' })).status).toBe(200);
    expect((await send("DELETE", "/-/api/applications/main")).status).toBe(200);
    expect((await send("DELETE", "/-/api/applications/other")).status).toBe(404);
    const scaled = await send("POST", "/-/api/applications/main/deployments/Model/scale", { body: '{"target_num_replicas":0}' });
    expect([scaled.status, scaled.text]).toEqual([200, '{"target_num_replicas":0}']);
    expect(done).toEqual([
      ["put", [{ a: 1 }]],
      ["remove", "main"],
      ["remove", "other"],
      ["scale", "main", "Model", 0],
    ]);
    expect((await send("GET", "/-/api/applications/other")).status).toBe(404);
    expect(JSON.parse((await send("GET", "/-/api/applications/main")).text)).toEqual({ name: "main" });
  });

  it.each([
    ["POST", "/-/api/config", "GET"],
    ["DELETE", "/-/api/applications", "GET, PUT"],
    ["PUT", "/-/api/applications/main", "GET, DELETE"],
    ["GET", "/-/api/applications/main/deployments/Model/scale", "POST"],
    ["TRACE2", "/-/api/applications/main", "GET, DELETE"],
    ["ALL", "/-/api/metrics", "GET"],
    ["constructor", "/-/dashboard", "GET"],
  ])("%s %s is answered 405 with what is possible", async (method, path, allow) => {
    const { status, text, allow: given } = await operator().send(method, path);
    expect([status, given]).toEqual([405, allow]);
    expect(JSON.parse(text)).toMatchObject({ message: `Method not allowed; use ${allow.replace(", ", " or ")}.` });
  });

  it("answers OPTIONS with what is possible, and HEAD as GET without the body", async () => {
    const { send, done } = operator();
    expect(await send("OPTIONS", "/-/api/applications")).toEqual({ status: 204, text: "", allow: "GET, PUT" });
    expect(await send("HEAD", "/-/api/applications/main")).toMatchObject({ status: 200, text: "" });
    expect(await send("HEAD", "/-/api/applications/other")).toMatchObject({ status: 404, text: "" });
    expect(await send("HEAD", "/-/api/applications/main/deployments/Model/scale")).toMatchObject({ status: 405, text: "", allow: "POST" });
    expect(await send("OPTIONS", "/-/api/nothing")).toMatchObject({ status: 404, allow: null });
    expect(done).toEqual([]);
  });

  it.each([
    "/-/api/",
    "/-/api/applications/a/b",
    "/-/api/applications/1a",
    "/-/api/applications/..%2f",
    "/-/api/applications/%00",
    "/-/api/applications/__proto__",
    "/-/api/applications/a%0Ab/deployments/Model/scale",
    "/-/api/applications/a/deployments/_x/scale",
    `/-/api/applications/${"a".repeat(64)}`,
  ])("has nothing at %s", async (path) => {
    for (const method of ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "POST"])
      expect((await operator().send(method, path)).status).toBe(404);
  });

  it.each([-1, 1.5, 1001, "3", null, undefined, {}])("scales to no %s replicas", async (target) => {
    const { done, send } = operator();
    const path = "/-/api/applications/main/deployments/Model/scale";
    expect((await send("POST", path, { body: JSON.stringify({ target_num_replicas: target }) })).status).toBe(400);
    expect((await send("POST", path, { body: "null" })).status).toBe(400);
    expect(done).toEqual([]);
  });

  it.each<[unknown, string]>([
    [{ target_num_replicas: 1e9 }, "target_num_replicas must be an integer from 0 to 1000, got 1000000000."],
    [{ target_num_replicas: "2" }, 'target_num_replicas must be an integer from 0 to 1000, got "2".'],
    [{}, "target_num_replicas must be an integer from 0 to 1000, got undefined."],
    [{ target_num_replicas: 2, force: true }, 'unknown key "force". Accepted: target_num_replicas.'],
    [JSON.parse('{"__proto__":{"target_num_replicas":2}}'), 'unknown key "__proto__". Accepted: target_num_replicas.'],
    [[2], 'the body must be { "target_num_replicas": <number> }, got [2].'],
    ["2", 'the body must be { "target_num_replicas": <number> }, got "2".'],
    [{ target_num_replicas: ["x".repeat(1000)] }, `target_num_replicas must be an integer from 0 to 1000, got ["${"x".repeat(75)}....`],
  ])("names application and deployment where it is to scale by %j", async (body, message) => {
    const { done, send } = operator();
    const answer = await send("POST", "/-/api/applications/main/deployments/Model/scale", { body: JSON.stringify(body) });
    expect([answer.status, JSON.parse(answer.text)]).toEqual([
      400,
      { error: "BAD_REQUEST", message: `Application "main", deployment "Model": ${message}` },
    ]);
    expect(done).toEqual([]);
  });

  it("cuts what is wrong with a document to a thousand diagnostics", async () => {
    const diagnostics = Array.from({ length: 70_000 }, (_, index) => ({ severity: "error" as const, path: "a", message: `No ${index}.` }));
    const { send } = operator({ plan: () => ({ diagnostics }) });
    const { status, text } = await send("PUT", "/-/api/applications", { body: "{}" });
    const answer = JSON.parse(text) as { diagnostics: unknown[]; message: string };
    expect([status, answer.diagnostics.length]).toEqual([400, 1001]);
    expect(answer.message).toMatch(/^No 0\.\n[^]*\nThere are 69000 more problems\.$/);
  });

  it("takes no more than a megabyte, whatever the length is said to be", async () => {
    const { done, send } = operator();
    const stream = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(64 * 1024).fill(32)),
    });
    expect((await send("PUT", "/-/api/applications", { body: stream })).status).toBe(413);
    expect((await send("PUT", "/-/api/applications", { body: '"é'.padEnd(1024 * 1024, "x") })).status).toBe(413);
    expect((await send("PUT", "/-/api/applications", { body: "{" })).status).toBe(400);
    expect(done).toEqual([]);
  });

  it("answers a document with errors 400 with all of them, and puts nothing", async () => {
    const diagnostics = [
      { severity: "error", path: "a", message: "One." },
      { severity: "warning", path: "b", message: "Two." },
      { severity: "error", path: "c", message: "Three." },
    ] as const;
    const { done, send } = operator({ plan: () => ({ diagnostics }) });
    const { status, text } = await send("PUT", "/-/api/applications", { body: "{}" });
    expect([status, JSON.parse(text)]).toEqual([400, { error: "CONFIG", message: "One.\nThree.", diagnostics }]);
    expect(done).toEqual([]);
  });

  it.each(ROUTES.slice(0, -1))("[O2] keeps to the log what a controller threw at %s %s", async (method, path) => {
    const fail = () => Promise.reject(new Error("sqlite at /private/path"));
    const { send } = operator({ put: fail, remove: fail, config: fail, scrape: fail, details: fail, scale: fail });
    const { status, text } = await send(method, path, method === "PUT" || method === "POST" ? { body: '{"target_num_replicas":1}' } : {});
    expect(status).toBe(503);
    expect(text).not.toMatch(/sqlite|private|Error|\bat \//);
    expect(String(vi.mocked(console.error).mock.calls[0]?.[0])).toContain("sqlite");
  });
});
