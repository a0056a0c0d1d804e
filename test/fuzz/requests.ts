/**
 * HTTP requests by grammar: to applications, to the operator's API, and for calls from outside.
 */
import { stringify } from "devalue";
import type { Choices } from "./choices.ts";
import { makeDocument, validDocument } from "./documents.ts";
import { mutated, mutatedJson, oddJson, scrap } from "./text.ts";

/** The token that opens the system under test. */
export const TOKEN = "the operator's token";

/** A request, before it is bytes. */
export interface HttpRequest {
  readonly method: string;
  /** Begins with `/`. */
  readonly target: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Text, of which each character is a byte; `undefined` is none. */
  readonly body?: string | undefined;
  /** Whether it has the right token. */
  readonly isOperator: boolean;
}

const METHODS = ["GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND", "get", "X", "QUERY"] as const;

const SYSTEM_PATHS = [
  "/-/healthz", "/-/routes", "/-/api/applications", "/-/api/applications/", "/-/api/applications/first", "/-/api/applications/none",
  "/-/api/config", "/-/api/metrics", "/-/dashboard", "/-/api/applications/first/deployments/Leaf/scale", "/-/api/", "/-/", "/-", "/-/none",
  "/-/api/applications/first/deployments/constructor/scale", "/-/api/applications/constructor", "/-/api/applications/__proto__",
  "/-/api/applications/toString/deployments/Leaf/scale", "/-/api/applications/first/deployments/hasOwnProperty/scale",
  "/-/rpc/second", "/-/rpc/first", "/-/rpc/none", "/-/rpc/constructor", "/-/rpc/", "/-/rpc/second/", "/-/rpc/%73econd", "/-/api/../api/config",
  "/-/./api/applications", "//-/api/applications", "/-//api/config", "/%2d/api/config", "/-/api/config?x=1", "/-/API/config", "/-/rpc/second?x#y",
  "/-/healthz/", "/-/api/applications/first/", "/-/api/applications/first%2fdeployments%2fLeaf%2fscale",
] as const; // prettier-ignore

const PATHS = [
  "/",
  "/a",
  "/second",
  "/second/",
  "/second/x",
  "/secondary",
  "/second%2fx",
  "/SECOND",
  "/first/deep",
  "/a/b?c=d&e",
  "/throw",
  "/slow",
] as const;

const SENT_HEADERS: readonly (readonly [string, readonly string[]])[] = [
  ["x-request-id", ["abc-1", "", "a b", "x".repeat(128), "x".repeat(129), "é", "a,b", "../..", "__proto__"]],
  ["traceparent", ["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-0-0-00", "", "ff-0-0", "zz"]],
  ["tracestate", ["a=b", ",,,"]],
  ["serve-multiplexed-model-id", ["m1", "", "é", "constructor", "x".repeat(4000)]],
  ["serve_multiplexed_model_id", ["m2"]],
  ["x-session-id", ["s1", "", "__proto__", "é", "x".repeat(4000)]],
  ["x-edge-serve-news", ['{"epoch":99,"replicas":[]}']],
  ["x-edge-serve-refused", ["1"]],
  ["cf-edge-serve", ["x"]],
  ["accept", ["text/event-stream", "*/*"]],
  ["accept-encoding", ["gzip", "identity"]],
  ["content-type", ["application/json", "text/plain; charset=utf-8", "multipart/form-data; boundary=x", ""]],
  ["cookie", ["a=b; c", "x".repeat(5000)]],
  ["range", ["bytes=0-1"]],
  ["if-none-match", ["*"]],
  ["origin", ["null"]],
];

/** Makes a request. */
export function makeRequest(choices: Choices): HttpRequest {
  const target = choices.weighted<() => string>([
    [5, () => choices.of(PATHS)],
    [6, () => choices.of(SYSTEM_PATHS)],
    [2, () => `/${scrap(choices)}/${scrap(choices)}`],
    [2, () => mutated(choices, choices.of([...PATHS, ...SYSTEM_PATHS]))],
  ])();
  const headers = choices.list(0, 4, () => header(choices));
  const authorization = choices.weighted<string | undefined>([
    [5, undefined],
    [4, `Bearer ${TOKEN}`],
    [1, "Bearer wrong"],
    [1, `Bearer ${TOKEN} `.repeat(2)],
    [1, `Bearer ${TOKEN.slice(0, -1)}`],
    [1, `Basic ${TOKEN}`],
    [1, "Bearer "],
    [1, TOKEN],
    [1, `bearer\t${TOKEN}`],
  ]);
  if (authorization !== undefined) headers.push(["authorization", authorization]);
  const isOperator = authorization === `Bearer ${TOKEN}`;
  const method = target.startsWith("/-/rpc/") && choices.below(4) > 0 ? "POST" : choices.of(METHODS);
  const body = method === "GET" || method === "HEAD" ? undefined : bodyFor(choices, target);
  return { method, target: target.startsWith("/") ? target : `/${target}`, headers, body, isOperator };
}

function header(choices: Choices): readonly [string, string] {
  const [name, values] = choices.of(SENT_HEADERS);
  return [name, choices.of(values)];
}

function bodyFor(choices: Choices, target: string): string | undefined {
  if (choices.once(6)) return undefined;
  if (target.includes("/rpc/")) return rpcBody(choices);
  if (target.endsWith("/scale"))
    return JSON.stringify(mutatedJson(choices, { target_num_replicas: choices.of([2, 0, 1000, 1001, -1, 1e9]) }));
  if (target.includes("/-/api/"))
    return choices.once(3) ? mutated(choices, JSON.stringify(validDocument(choices))) : JSON.stringify(makeDocument(choices));
  return choices.of<() => string>([
    () => "hello",
    () => scrap(choices),
    () => JSON.stringify(oddJson(choices)),
    () => "x".repeat(choices.of([100, 70_000])),
  ])();
}

/** The body of a call from outside: as `connect` writes it, or nearly. */
export function rpcBody(choices: Choices): string {
  const call = mutatedJson(choices, {
    method: choices.of(["echo", "call", "items", "constructor", "__proto__", "toString", "_hidden", "fetch", "setup", "none"]),
    args: choices.list(0, 3, () => oddJson(choices)),
    options: {
      ...(choices.once(3) ? { key: choices.of<unknown>(["k", "", 1, null]) } : {}),
      ...(choices.once(3) ? { timeoutMs: choices.of<unknown>([1000, 0, -1, 1e300, NaN, "1", null]) } : {}),
      ...(choices.once(4) ? { multiplexedModelId: choices.of<unknown>(["m", 1, {}]) } : {}),
      ...(choices.once(4) ? FORGED : {}),
    },
    ...(choices.once(3) ? { requestId: choices.of<unknown>(["r-1", "a\nb", {}, "x".repeat(200), "é"]) } : {}),
    ...(choices.once(4) ? { deployment: choices.of<unknown>(["Leaf", "Front", "constructor", 1, null]) } : {}),
    ...(choices.once(5) ? { broadcast: choices.of<unknown>([true, 1]) } : {}),
  });
  const text = written(call);
  if (choices.once(8)) return choices.of(FORGED_TEXTS);
  return choices.once(3) ? mutated(choices, text) : text;
}

function written(call: unknown): string {
  try {
    return stringify(call);
  } catch {
    // Keys that this format does not take.
    return "[{}]";
  }
}

/** Metadata of the framework's own, which nobody outside sets. */
const FORGED = {
  hops: -50,
  chain: ["forged/Chain"],
  routePrefix: "/forged",
  deadline: 1,
  traceparent: "forged",
  requestId: "forged\nid",
  isReserved: true,
  epoch: 1e9,
};

/** Bodies in the text codec's own notation. */
const FORGED_TEXTS = [
  "", "null", "[]", "-1", "[[0]]", '["Error",1]', '[["Error",1],{"kind":2},"other"]', '[["Error",1],null]', '[{"args":1},["Error",2],{}]',
  '[{"args":1,"options":2},[0],{}]', '[["BufferedRequest",1],{"url":2},"no url"]', '[["BufferedResponse",1],{"status":2},99]',
  '[["Headers",1],5]', '[["Map",1,1]]', '[["Set",0]]', '[{"args":1,"options":2},["Uint8Array",3],{},"not base64!"]', '[["Date","x"]]',
  '[["BigInt","x"]]', '[["RegExp","("]]', '[["null","__proto__",1],1]', "[".repeat(5000), '[["ArrayBuffer",1],"AAAA"]', "[[-7,99999999,0,0]]",
  '[{"args":1,"options":2},[3],{},["BufferedStream",4],{"body":5},1]', '[["Error",1],{"kind":2,"value":0},"value"]',
] as const; // prettier-ignore
