/**
 * HTTP requests in process: the ingress, the operator's API and calls from outside, over applications that record what reaches them.
 */
import { planDocument } from "../../../src/operator/plan-document.ts";
import { createIngress, type Ingress } from "../../../src/ingress/ingress.ts";
import { answerOperator, type OperatorPorts } from "../../../src/operator/operator.ts";
import { rpcEndpoint } from "../../../src/ingress/rpc.ts";
import type { CallRequest, RequestMeta } from "../../../src/protocol/messages.ts";
import { decodeText } from "../../../src/protocol/text-codec.ts";
import { CODE, COMPILED } from "../documents.ts";
import { holds, type Kind } from "../kind.ts";
import { type HttpRequest, makeRequest, TOKEN } from "../requests.ts";

/** What reached the parts behind the ingress. */
interface Seen {
  readonly changes: string[];
  readonly fetched: { readonly request: Request; readonly meta: RequestMeta }[];
  readonly called: CallRequest[];
  /** Questions about the system that were answered. */
  asked: number;
}

const seen: Seen = { changes: [], fetched: [], called: [], asked: 0 };
const ENV = { EDGE_SERVE_TOKEN: TOKEN };

const ask = async <T>(answer: T): Promise<T> => {
  seen.asked++;
  return answer;
};
const change = async <T>(what: string, answer: T): Promise<T> => {
  seen.changes.push(what);
  return answer;
};

const ports: OperatorPorts = {
  plan: (document) => planDocument(document, { manifest: COMPILED, code: CODE }),
  put: () => change("put", 1),
  remove: (app) =>
    change(
      "remove",
      COMPILED.applications.some(({ name }) => name === app),
    ),
  config: () => ask({ applications: [] }),
  details: () => ask([]),
  scrape: () => ask([]),
  routes: () => ask({ status: {}, measured: {}, shadows: [] }),
  order: () => change("order", false),
  scale: () => change("scale", undefined),
};

function build(): Ingress {
  const rpc = rpcEndpoint()({
    targetOf: (app, deployment = "Leaf") => ({
      app,
      deployment,
      requestTimeoutMs: null,
      async call(request) {
        seen.called.push(request);
        return { kind: "value", value: request.args };
      },
      async broadcast(request) {
        seen.called.push(request);
        return [{ status: "fulfilled", value: { kind: "value", value: request.args } }];
      },
    }),
    isOpen: (app) => app === "second",
  });
  return createIngress({
    manifest: COMPILED,
    targetOf: () => ({
      requestTimeoutMs: null,
      routePrefix: "/",
      isGone: false,
      routing: 0,
      prepare: async (request) => ({ request: () => request }),
      async fetch(sent, meta) {
        seen.fetched.push({ request: sent instanceof Request ? sent : sent.request(), meta });
        return new Response("ok", { headers: { "x-request-id": meta.requestId } });
      },
    }),
    control: {
      traffic: async () => ({
        routing: 0,
        table: { revision: 0, entries: [] },
        applications: Object.fromEntries(COMPILED.applications.map((one) => [one.name, one])),
      }),
      unready: async () => [],
    },
    system: (request, path, { env, keepAlive }) => answerOperator(request, path, env, ports) ?? rpc(request, path, { env, keepAlive }),
  });
}

const ingress = build();
const REQUEST_ID = /^[A-Za-z0-9._-]{1,128}$/;

/** Node's `subtle` lacks what workerd's has. */
function polyfill(): void {
  if ("timingSafeEqual" in crypto.subtle) return;
  const isEqual = (a: ArrayBuffer, b: ArrayBuffer) => Buffer.from(a).equals(Buffer.from(b));
  Object.defineProperty(crypto.subtle, "timingSafeEqual", { value: isEqual, configurable: true });
}

/** A request to the whole of the ingress. */
export const HTTP: Kind<HttpRequest> = {
  name: "http",
  weight: 10,
  make: makeRequest,
  async check(input) {
    const request = platformRequest(input);
    if (request === undefined) return;
    polyfill();
    Object.assign(seen, { changes: [], fetched: [], called: [], asked: 0 });
    const response = await ingress(request, { env: ENV, keepAlive: () => {} });
    const id = response.headers.get("x-request-id") ?? "";
    holds(REQUEST_ID.test(id), "every response has a request id", () => id);
    const given = request.headers.get("x-request-id") ?? "";
    holds(!REQUEST_ID.test(given) || id === given, "a request keeps its id", () => `${given} became ${id}`);
    holds(response.status < 500, "the framework answers no 5xx of its own", () => response.status);
    const { pathname } = new URL(request.url);
    if (!input.isOperator) {
      holds(seen.changes.length === 0, "nothing changes without the token", () => seen.changes[0]);
      holds(seen.called.length === 0, "nothing is called without the token");
      holds(seen.asked === 0, "nothing is told without the token");
      const isOpen = !pathname.startsWith("/-/") || ["/-/healthz", "/-/routes"].includes(pathname);
      holds(isOpen || response.status >= 400, "an operator's path is closed without the token", () => response.status);
    }
    if (response.status >= 400)
      holds(
        seen.changes.every((what) => what === "remove"),
        "what is refused changes nothing",
        () => seen.changes[0],
      );
    for (const { request: forwarded, meta } of seen.fetched) reaches(pathname, request, forwarded, meta);
    for (const call of seen.called) isUnforged(call);
    if (seen.called.length > 0) for (const line of (await response.text()).split("\n").filter(Boolean)) decodeText(line);
  },
};

// What the platform itself does not take never reaches the product.
function platformRequest({ method, target, headers, body }: HttpRequest): Request | undefined {
  try {
    const url = `http://host.test${target}`;
    if (new URL(url).host !== "host.test") return undefined;
    return new Request(url, { method, headers: headers as [string, string][], ...(body === undefined ? {} : { body }) });
  } catch {
    return undefined;
  }
}

function reaches(pathname: string, { headers }: Request, forwarded: Request, meta: RequestMeta): void {
  const path = new URL(forwarded.url).pathname;
  holds(meta.hops === 0 && meta.chain.length === 1, "a request begins a call tree", () => meta.hops);
  const prefix = meta.routePrefix ?? "";
  holds((prefix === "/" ? path : `${prefix}${path === "/" && !pathname.endsWith("/") ? "" : path}`) === pathname, "an application sees its path without the prefix", () => `${path} of ${pathname}`); // prettier-ignore
  holds((meta.key ?? "") === (headers.get("x-session-id") ?? ""), "a session is the key", () => meta.key);
  holds(meta.key !== "", "an empty session is none", () => meta.key);
}

const KNOWN: ReadonlySet<string> = new Set([
  "requestId", "chain", "hops", "deadline", "key", "multiplexedModelId", "traceparent", "tracestate", "spanId", "task", "shadow",
]); // prettier-ignore

/** @throws Broken if a caller has set what is the framework's own, or what has no right type. */
function isUnforged({ meta }: CallRequest): void {
  holds(meta.hops >= 0 && meta.hops <= 1, "a call from outside can't set its hops", () => meta.hops);
  holds(meta.chain.length === 1 && meta.chain[0] !== "forged/Chain", "a call from outside can't set its chain", () => meta.chain[0]);
  holds(typeof meta.requestId === "string" && REQUEST_ID.test(meta.requestId), "a call's request id is checked", () => meta.requestId);
  holds(meta.routePrefix === undefined, "a call from outside can't set its route", () => meta.routePrefix);
  holds(meta.traceparent !== "forged", "a call from outside can't set its trace");
  holds(meta.key === undefined || typeof meta.key === "string", "a key is a string", () => meta.key);
  holds(meta.multiplexedModelId === undefined || typeof meta.multiplexedModelId === "string", "a model id is a string");
  holds(meta.deadline === undefined || Number.isFinite(meta.deadline), "a deadline is a time", () => meta.deadline);
  for (const key of Object.keys(meta)) holds(KNOWN.has(key) || key === "routePrefix", "a call carries what is known only", () => key);
}
