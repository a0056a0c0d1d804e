/** W3C trace context in a system that runs: contract section 13. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serve, type Server } from "edge-serve/testing";
import { CliProject } from "../support/cli-project.ts";

const APP = `import * as serve from "edge-serve";

const seen = (at: string) => {
  const { requestId, traceparent, tracestate } = serve.getRequestContext();
  serve.logger.info("at " + at);
  return { at, requestId, traceparent, tracestate };
};

export class Leaf {
  call() {
    return [seen("leaf")];
  }
}
export class Middle {
  constructor(private leaf: serve.DeploymentHandle<Leaf>) {}
  async call() {
    return [seen("middle"), ...(await this.leaf.remote())];
  }
  async later() {
    return [seen("task"), ...(await this.leaf.remote())];
  }
}
export class Front {
  constructor(private middle: serve.DeploymentHandle<Middle>, private leaf: serve.DeploymentHandle<Leaf>) {}
  async call(request: Request) {
    const { pathname } = new URL(request.url);
    if (pathname === "/task") {
      const task = await this.middle.later.enqueue();
      return [seen("front"), ...(await task.result())];
    }
    const own = seen("front");
    // The header is the client's.
    const header = { at: "header", traceparent: request.headers.get("traceparent") };
    return [own, ...(await this.middle.remote()), ...(await this.leaf.remote()), header];
  }
}
const leaf = serve.deployment(Leaf, { numReplicas: 2 }).bind();
const middle = serve.deployment(Middle, { tasks: {} }).bind(leaf);
export const app = serve.deployment(Front).bind(middle, leaf);
`;

const WORKER = `import * as serve from "edge-serve";
import type { Leaf } from "./app.ts";
export default {
  async fetch() {
    serve.logger.info("at worker");
    const leaf = serve.getDeploymentHandle<Leaf>("Leaf", "default");
    return Response.json([...(await leaf.remote()), ...(await leaf.remote())]);
  },
};
`;

const project = new CliProject({
  "wrangler.json": JSON.stringify({ name: "own", main: "src/index.ts", compatibility_date: "2026-11-01" }),
  "serve.yaml": "applications:\n  - import_path: src/app.ts:app\n    route_prefix: /api\n",
  "src/app.ts": APP,
  "src/index.ts": WORKER,
});
project.install("edge-serve", "wrangler");

interface Seen {
  readonly at: string;
  readonly requestId: string;
  readonly traceparent: string;
  readonly tracestate?: string;
}

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";

describe("a trace", () => {
  let server: Server;
  beforeAll(async () => {
    server = await serve(`${project.root}/serve.yaml`, { quiet: true });
  });
  afterAll(async () => {
    await server.stop();
    project[Symbol.dispose]();
  });

  const get = async (path: string, headers: Record<string, string>) => (await server.fetch(path, { headers })).json() as Promise<Seen[]>;
  const parts = (seen: readonly Seen[]) => seen.map(({ traceparent }) => traceparent.split("-"));

  const STATE = { tracestate: "vendor=1,other=2" };
  const CASES: [
    about: string,
    headers: Record<string, string>,
    traceId: RegExp,
    and: { readonly flags: string; readonly state?: string },
  ][] = [
    ["one that is sampled", { traceparent: `00-${TRACE}-${SPAN}-01` }, RegExp(TRACE), { flags: "01" }],
    ["one that is not", { traceparent: `00-${TRACE}-${SPAN}-00`, ...STATE }, RegExp(TRACE), { flags: "00", state: STATE.tracestate }],
    ["a new one for none", STATE, RegExp(`^(?!${TRACE})[0-9a-f]{32}$`), { flags: "01" }],
    ["a new one for a malformed one", { traceparent: `00-${TRACE}-${SPAN}`, ...STATE }, RegExp(`^(?!${TRACE})`), { flags: "01" }],
    ["a new one for a request with an id of its own", { "x-request-id": "mine" }, /^[0-9a-f]{32}$/, { flags: "01" }],
  ];

  it.each(CASES)("is %s at each hop, each with a span of its own", async (_, headers, traceId, { flags, state }) => {
    for (const [path, ats] of [
      ["/api", ["front", "middle", "leaf", "leaf", "header"]],
      ["/api/task", ["front", "task", "leaf"]],
      ["/", ["leaf", "leaf"]],
    ] as const) {
      const seen = await get(path, headers);
      expect(seen.map(({ at }) => at)).toEqual(ats);
      const hops = seen.filter(({ at }) => at !== "header");
      const all = parts(hops);
      expect(all.filter(([version, , , sent]) => version !== "00" || sent !== flags)).toEqual([]);
      expect(all[0]![1]).toMatch(traceId);
      expect(new Set(all.map(([, id]) => id)).size).toBe(1);
      const spans = all.map(([, , span]) => span!);
      expect(spans.filter((span) => !/^(?!0{16})[0-9a-f]{16}$/.test(span) || span === SPAN)).toEqual([]);
      expect(new Set(spans).size).toBe(spans.length);
      expect(hops.map(({ tracestate }) => tracestate)).toEqual(hops.map(() => state));
      const header = seen.find(({ at }) => at === "header");
      if (header !== undefined) expect(header.traceparent).toBe(headers["traceparent"] ?? null);
      const lines = server.logs().filter(({ fields }) => fields["traceId"] === all[0]![1]);
      for (const { at, traceparent } of hops) {
        const [, , spanId] = traceparent.split("-");
        expect(lines.filter(({ message, fields }) => message === `at ${at}` && fields["spanId"] === spanId)).toHaveLength(1);
      }
      if (path === "/") expect(lines.some(({ message }) => message === "at worker")).toBe(true);
      // The line of the access log is the hop's too.
      else expect(lines.some(({ message, fields }) => message.startsWith("GET /api 200") && fields["spanId"] === spans[0])).toBe(true);
    }
  });

  it("is another one for each request without one", async () => {
    const all = await Promise.all(Array.from({ length: 5 }, () => get("/api", { "x-request-id": "same" })));
    expect(new Set(all.flatMap((seen) => parts(seen.slice(0, 4)).map(([, id]) => id))).size).toBe(5);
  });
});
