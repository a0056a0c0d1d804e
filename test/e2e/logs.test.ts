/** The log of a system that runs: contract section 13. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serve, type Server } from "edge-serve/testing";
import { names } from "./apps/logs.ts";

describe("the log", () => {
  let server: Server;
  beforeAll(async () => {
    server = await serve("test/e2e/apps/logs.ts:app", { quiet: true, vars: { SECRET: "hidden-value" } });
  });
  afterAll(() => server.stop());

  let asked = 0;
  /** All lines of a request, once it has been answered. */
  async function ask(path: string): Promise<{ status: number; lines: ReturnType<Server["logs"]> }> {
    const id = `logs-${asked++}`;
    const { status } = await server.fetch(path, { headers: { "x-request-id": id } });
    await server.waitForLog(({ message, fields }) => fields["requestId"] === id && message.startsWith("GET "));
    return { status, lines: server.logs().filter(({ fields }) => fields["requestId"] === id) };
  }

  it.each(["/own", "/throw", "/items"].flatMap((path) => names.thrown.map((kind) => [path, kind] as const)))(
    "has one ERROR line of an uncaught error, where it was thrown: %s %s",
    async (path, kind) => {
      const { status, lines } = await ask(`${path}?kind=${kind}`);
      expect(status).toBe(500);
      const errors = lines.filter(({ level }) => level === "ERROR");
      expect(errors.map(({ fields }) => fields["deployment"])).toEqual([path === "/own" ? "Front" : "Leaf"]);
    },
  );

  it.each(names.values)("takes any field, and keeps the line's own: %s", async (kind) => {
    const { status, lines } = await ask(`/log?kind=${encodeURIComponent(kind)}`);
    expect(status).toBe(200);
    const line = lines.find(({ message }) => message === "logged")!;
    expect(line.level).toBe("INFO");
    expect(line.fields).toMatchObject({
      app: "default",
      deployment: "Front",
      replica: "default/Front/-/0.0",
      route: "/",
      requestId: expect.stringMatching(/^logs-/),
      traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
      spanId: expect.stringMatching(/^[0-9a-f]{16}$/),
      before: 1,
      "fields.level": "forged",
      "fields.traceId": "forged",
      "fields.spanId": "forged",
      "fields.requestId": "forged",
    });
    const text = JSON.stringify(lines);
    expect(text).not.toContain("hidden-value");
    if (kind === "env") expect(JSON.stringify(line.fields["field"])).toContain("SECRET");
    for (const one of lines)
      expect(JSON.stringify({ level: one.level, message: one.message, ...one.fields }).length).toBeLessThanOrEqual(65_536);
    // The other line has whatever it is as its message and its fields.
    expect(lines).toHaveLength(3);
  });

  it("has a line of each HTTP request, with its fields", async () => {
    const { lines } = await ask("/log/../none?kind=secret");
    const [line] = lines;
    expect(line!.fields).toEqual({
      method: "GET",
      path: "/none",
      route: "/",
      status: 200,
      durationMs: expect.any(Number),
      requestId: expect.any(String),
      app: "default",
      deployment: "Front",
      replica: "default/Front/-/0.0",
      traceId: expect.any(String),
      spanId: expect.any(String),
    });
  });
});
