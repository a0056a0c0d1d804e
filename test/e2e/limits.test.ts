/** What a caller outside, an operator and a client may say, and that a system goes on whatever they say. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { connect, RequestTimeoutError } from "edge-serve/client";
import { serve, type Server } from "edge-serve/testing";
import type { RpcFrame } from "../../src/protocol/rpc-messages.ts";
import { decodeText, encodeText } from "../../src/protocol/text-codec.ts";
import { applicationsOf, AUTHORIZED, deploymentOf, putDocument, TOKEN } from "../support/operated.ts";
import { rejectionOf } from "../support/rejection.ts";
import type { app } from "./apps/limits.ts";

let server: Server;

beforeAll(async () => {
  server = await serve("test/e2e/apps/limits.yaml", { token: TOKEN });
});
afterAll(() => server.stop());
// A framework that is surprised says so in the log.
afterEach(() => {
  expect(server.logs().filter(({ message }) => /Uncaught|TypeError|could not be reached/.test(message))).toEqual([]);
});

const APPS = { strict: "app", filed: "patient", patient: "patient", constructor: "named" };
/** A document with all applications, and these options for the deployment of one. */
const documentOf = (options: Record<string, Record<string, unknown>> = {}) => ({
  applications: Object.entries(APPS).map(([name, exported]) => ({
    name,
    route_prefix: `/${name}`,
    import_path: `limits.ts:${exported}`,
    deployments: Object.hasOwn(options, name) ? [{ name: "Work", ...options[name] }] : [],
  })),
});

const api = (method: string, path: string, body?: string) =>
  server.fetch(path, { method, headers: AUTHORIZED, ...(body === undefined ? {} : { body }) });

async function post(name: string, body: string): Promise<{ status: number; frame: RpcFrame }> {
  const response = await api("POST", `/-/rpc/${name}`, body);
  const [line = ""] = (await response.text()).split("\n");
  return { status: response.status, frame: decodeText(line) as RpcFrame };
}
const errorOf = (frame: RpcFrame) => (frame as unknown as { error: { code?: string; message: string } }).error;

const WAYS = {
  "server.handle": (name: string) => server.handle<typeof app>(name),
  connect: (name: string) => connect<typeof app>(server.url, { token: TOKEN, app: name }),
};
const ways = Object.keys(WAYS) as (keyof typeof WAYS)[];
const DEADLINES = ways.flatMap((way) => ["strict", "filed"].map((name) => [way, name] as const));

describe("the deployment's deadline holds for a call by", () => {
  it.each(DEADLINES)("%s of application %s: a value", async (way, name) => {
    const startedAt = performance.now();
    expect(await rejectionOf(WAYS[way](name).slow.remote(4000))).toBeInstanceOf(RequestTimeoutError);
    expect(performance.now() - startedAt).toBeLessThan(3000);
    expect(await WAYS[way](name).slow.remote(1)).toBe("late");
  });

  it.each(DEADLINES)("%s of application %s: a stream, after its items", async (way, name) => {
    const seen: number[] = [];
    const loop = async () => {
      for await (const item of WAYS[way](name).items.remote(200)) seen.push(item);
    };
    expect(await rejectionOf(loop())).toBeInstanceOf(RequestTimeoutError);
    expect(seen.slice(0, 2)).toEqual([1, 2]);
    await server.waitForLog(({ message }) => message === "items stopped");
  });

  it.each(DEADLINES)("%s of application %s: a broadcast", async (way, name) => {
    expect(await rejectionOf(WAYS[way](name).slow.broadcast(4000))).toBeInstanceOf(RequestTimeoutError);
  });

  it.each(ways)("%s at once after a PUT has changed it", async (way) => {
    expect(await WAYS[way]("patient").slow.remote(900)).toBe("late");
    expect((await putDocument(server, documentOf({ patient: { request_timeout_s: 0.3 } }))).status).toBe(200);
    expect(await rejectionOf(WAYS[way]("patient").slow.remote(4000))).toBeInstanceOf(RequestTimeoutError);
    expect((await putDocument(server, documentOf())).status).toBe(200);
    expect(await WAYS[way]("patient").slow.remote(900)).toBe("late");
  });
});

describe("a body for /-/rpc/", () => {
  it("cannot pass by the limit of nested calls", async () => {
    const nested = await post("patient", encodeText({ method: "nest", args: [20], options: { hops: -50 } }));
    expect(errorOf(nested.frame)).toMatchObject({ code: "CONFIG", message: expect.stringContaining("Calls nest at most 12 deep") });
  });

  it("says nothing about the request but what a handle's options say", async () => {
    const forged = { routePrefix: "/x", chain: ["x/y"], tracestate: "x=1", deadline: 1, requestId: "x", key: "k" };
    const { frame } = await post("patient", encodeText({ method: "context", args: [], options: forged, requestId: "a\nb" }));
    expect(frame).toMatchObject({ value: { key: "k", requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) } });
    for (const name of ["routePrefix", "tracestate", "deadline"]) expect(frame).not.toHaveProperty(["value", name], expect.anything());
  });

  it("names its trace as a handle's options do, and not otherwise", async () => {
    const asked = (traceparent: string) => post("patient", encodeText({ method: "context", args: [], options: { traceparent } }));
    const named = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    expect(await asked(named)).toMatchObject({ frame: { value: { traceparent: expect.stringContaining(named.slice(0, 36)) } } });
    expect(await asked("00-forged")).toMatchObject({ status: 400, frame: { error: { code: "CONFIG" } } });
  });

  it.each(["", "{", "[]", '{"args":[]}', encodeText({ args: {}, options: {} }), encodeText({ args: [], options: { timeoutMs: -1 } })])(
    "that is none is answered 400 with a ConfigError: %j",
    async (body) => {
      const { status, frame } = await post("patient", body);
      expect([status, errorOf(frame)]).toEqual([400, expect.objectContaining({ code: "CONFIG" })]);
    },
  );

  it("of more than 32 MiB is answered 413, and one of 20 MB is not", async () => {
    const call = (bytes: number) => encodeText({ method: "slow", args: [1, "x".repeat(bytes)], options: {} });
    expect(await post("patient", call(20_000_000))).toMatchObject({ status: 200, frame: { value: "late" } });
    expect(await post("patient", call(34_000_000))).toMatchObject({ status: 413, frame: { error: { code: "SERIALIZATION" } } });
  });
});

const HUGE = JSON.stringify({ applications: Array.from({ length: 50_000 }, (_, index) => ({ name: `a${index}` })) });

describe("a document that is refused", () => {
  const work = (options: Record<string, unknown>) => JSON.stringify(documentOf({ strict: options }));
  it.each<[string, string, RegExp]>([
    [
      "1e9 replicas",
      work({ num_replicas: 1e9 }),
      /Application "strict", deployment "Work": .*num_replicas must be .*1000.*, got 1000000000\./,
    ],
    ["1001 replicas", work({ num_replicas: 1001 }), /num_replicas must be .*1000.*, got 1001\./],
    [
      "1e400 replicas",
      work({ num_replicas: 0 }).replace('"num_replicas":0', '"num_replicas":1e400'),
      /num_replicas must be .*, got Infinity\./,
    ],
    ["a text of replicas", work({ num_replicas: "2" }), /num_replicas must be .*, got "2"\./],
    ["minus one replica", work({ num_replicas: -1 }), /num_replicas must be .*, got -1\./],
    [
      "1001 replicas by load",
      work({ autoscaling_config: { max_replicas: 1001 } }),
      /autoscaling_config\.max_replicas must be .*1000, got 1001\./,
    ],
    [
      "1e9 replicas to begin with",
      work({ autoscaling_config: { initial_replicas: 1e9 } }),
      /initial_replicas must be .*1000, got 1000000000\./,
    ],
    ["a time without a timer", work({ request_timeout_s: 1e12 }), /request_timeout_s must be .*2147483\.647 seconds, got 1000000000000\./],
    ["101 attempts", work({ retries: { attempts: 101 } }), /retries\.attempts must be .*100, got 101\./],
    ["an option constructor", work({ constructor: 1 }), /constructor is an unknown key/],
    [
      "an option __proto__",
      work({}).replace('"name":"Work"', '"name":"Work","__proto__":{"num_replicas":1}'),
      /__proto__ is an unknown key/,
    ],
    [
      "a deployment constructor",
      JSON.stringify(documentOf()).replace('"deployments":[]', '"deployments":[{"name":"constructor"}]'),
      /has no deployment "constructor"/,
    ],
    [
      "an application toString",
      JSON.stringify(documentOf()).replace('"name":"patient"', '"name":"toString"'),
      /is "toString", and the deployed code has/,
    ],
    [
      "a name with a line break",
      JSON.stringify(documentOf()).replace('"name":"patient"', '"name":"a\\nb"'),
      /Application "a\\nb": .*name must be/,
    ],
    ["a long name", JSON.stringify(documentOf()).replace('"name":"patient"', `"name":"${"a".repeat(100_000)}"`), /name must be/],
    ["what is nested deep", `{"applications":${"[".repeat(200_000)}${"]".repeat(200_000)}}`, /must be an object/],
    [
      "a user_config that is nested deep",
      work({ user_config: 0 }).replace('"user_config":0', `"user_config":${'{"a":'.repeat(50_000)}1${"}".repeat(50_000)}`),
      /user_config must be JSON/,
    ],
    ["fifty thousand applications", HUGE, /import_path is missing/],
    ["no document", "7", /The config must be an object, got 7\./],
  ])("leaves the system as it was: %s", async (_, body, message) => {
    const before = await (await api("GET", "/-/api/config")).text();
    const startedAt = performance.now();
    const response = await api("PUT", "/-/api/applications", body);
    const answer = (await response.json()) as { message: string; diagnostics: { message: string }[] };
    expect([response.status, performance.now() - startedAt < 3000]).toEqual([400, true]);
    expect(answer.message).toMatch(message);
    expect(await (await api("GET", "/-/api/config")).text()).toBe(before);
    expect((await server.fetch("/strict/")).status).toBe(200);
  });
});

const scaleOf = (app: string, deployment: string) => `/-/api/applications/${app}/deployments/${deployment}/scale`;

describe("scale", () => {
  it.each(["1e9", "1001", "-1", "1.5", '"2"', "null", "[2]", "{}", "true", "1e400"])("to %s is refused", async (target) => {
    const response = await api("POST", scaleOf("strict", "Work"), `{"target_num_replicas":${target}}`);
    const message = await response.text();
    expect(response.status).toBe(400);
    expect(message).toMatch(/strict.*Work.*target_num_replicas must be an integer from 0 to 1000, got /);
  });

  it.each(["7", "null", "[]", '""', "{", '{"target_num_replicas":2,"force":true}', '{"__proto__":{"target_num_replicas":2}}'])(
    "by the body %s is refused",
    async (body) => expect((await api("POST", scaleOf("strict", "Work"), body)).status).toBe(400),
  );

  it("is taken back by an equal document, which changes nothing else", async () => {
    const document = documentOf({ strict: { num_replicas: 2 } });
    expect((await putDocument(server, document)).status).toBe(200);
    expect((await api("POST", scaleOf("strict", "Work"), '{"target_num_replicas":4}')).status).toBe(200);
    await expect.poll(async () => (await deploymentOf(server, "strict", "Work"))?.replica_states).toMatchObject({ RUNNING: 4 });
    const { patient: before } = await applicationsOf(server);
    expect((await putDocument(server, document)).status).toBe(200);
    await expect.poll(async () => (await deploymentOf(server, "strict", "Work"))?.target_num_replicas).toBe(2);
    expect((await applicationsOf(server))["patient"]).toEqual(before);
    expect((await putDocument(server, documentOf())).status).toBe(200);
  });
});

const NAMES = [
  "constructor",
  "__proto__",
  "toString",
  "hasOwnProperty",
  "valueOf",
  "%00",
  "a%0Ab",
  "..%2f..",
  "%",
  "%zz",
  "x".repeat(5000),
];

describe("a name that is none", () => {
  it.each(NAMES.map((name) => [name.slice(0, 20), name] as const))("%s is answered as any unknown one", async (_, name) => {
    const scale = '{"target_num_replicas":2}';
    const asked: [string, string, string?][] = [
      ["GET", `/-/api/applications/${name}x`],
      ["DELETE", `/-/api/applications/${name}x`],
      ["POST", scaleOf("strict", name), scale],
      ["POST", scaleOf(`${name}x`, "Work"), scale],
      ["GET", `/-/api/${name}`],
      ["POST", `/-/rpc/${name}x`, encodeText({ args: [], options: {} })],
      ["GET", `/-/${name}`],
      ["GET", `/none/${name}/x/%2e%2e/${name}`],
    ];
    for (const [method, path, body] of asked) {
      const { status } = await api(method, path, body);
      // An application that is not open to the operator's token is not even looked for.
      expect(path.startsWith("/-/rpc/") ? [403, 404] : [400, 404, 409], `${method} ${path}`).toContain(status);
    }
  });

  it.each(["constructor", "__proto__", "toString", "hasOwnProperty", "a\nb", ""])(
    "%j is no deployment and no application",
    async (name) => {
      const handle = server.handle<typeof app>("patient");
      expect(await handle.lookUp.remote(name)).toMatch(/^CONFIG: There is no deployment/);
      expect(await handle.lookUp.remote("Work", name === "constructor" ? "prototype" : name)).toMatch(/^CONFIG: There is no application/);
      const { frame } = await post("patient", encodeText({ deployment: name, args: [], options: {} }));
      expect(errorOf(frame).code).toBe("CONFIG");
      const method = (await post("patient", encodeText({ method: name, args: [], options: {} }))).frame;
      expect(errorOf(method).code).toBe("METHOD_NOT_FOUND");
    },
  );

  it("may be one: applications and deployments called as what every object has work as others do", async () => {
    expect(await (await server.fetch("/constructor/")).text()).toBe("leaf");
    expect(await server.handle<() => string>("constructor").remote()).toBe("leaf");
    expect((await api("POST", scaleOf("constructor", "hasOwnProperty"), '{"target_num_replicas":2}')).status).toBe(200);
    await expect
      .poll(async () => (await deploymentOf(server, "constructor", "hasOwnProperty"))?.replica_states)
      .toMatchObject({ RUNNING: 2 });
    expect((await putDocument(server, documentOf())).status).toBe(200);
    await expect.poll(async () => (await deploymentOf(server, "constructor", "hasOwnProperty"))?.target_num_replicas).toBe(1);
  });
});

describe("a request's headers", () => {
  it.each<[string, string]>([
    ["x-session-id", "x".repeat(6000)],
    ["x-session-id", 'a"b\\c{}'],
    ["x-session-id", "__proto__"],
    ["serve-multiplexed-model-id", "x".repeat(6000)],
    ["serve-multiplexed-model-id", "constructor"],
    ["x-request-id", "x".repeat(6000)],
    ["x-request-id", "a b"],
    ["traceparent", "x".repeat(6000)],
  ])("%s may hold what a header may hold", async (header, value) => {
    const response = await server.fetch("/patient/", { headers: { [header]: value } });
    expect(response.status).toBe(200);
    expect(response.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
    const { key, multiplexedModelId } = (await response.json()) as Record<string, unknown>;
    if (header === "x-session-id") expect(key).toBe(value);
    if (header === "serve-multiplexed-model-id") expect(multiplexedModelId).toBe(value);
  });
});

describe("after all of it", () => {
  it("the system goes on, restart included", async () => {
    await server.restart();
    await expect
      .poll(async () => Object.values(await applicationsOf(server)).map(({ status }) => status))
      .toEqual(Array(4).fill("RUNNING"));
    expect(await (await server.fetch("/constructor/")).text()).toBe("leaf");
    expect(await server.handle<typeof app>("patient").remote()).toBe("worked");
  });
});
