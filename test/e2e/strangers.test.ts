import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LogLine, serve, type Server } from "edge-serve/testing";
import { suiteTarget } from "../support/suite-target.ts";

let server: Server;

beforeAll(async () => {
  server = await serve(suiteTarget("strangers"), { quiet: true, vars: { PASSWORD: "hunter2" } });
});
afterAll(() => server.stop());

/** The answer to a request, and the lines that were logged for it. */
async function ask(path: string) {
  const response = await server.fetch(path, { signal: AbortSignal.timeout(10_000) });
  const requestId = response.headers.get("x-request-id");
  return { status: response.status, text: await response.text(), lines: server.logs().filter((line) => line.requestId === requestId) };
}

const seenIn = (lines: readonly LogLine[], text: string) => lines.find(({ message }) => message === text)?.fields;

describe("whatever a handler throws", () => {
  it.each([
    ["cause", "Caused by: [shown above]"],
    ["member", "Of these: [shown above]"],
    ["message", "Error"],
    ["record", '{"toString":null}'],
    ["name", "nameless"],
    ["revoked", "[unreadable]"],
  ])("it is answered and logged, and keeps no slot: %s", async (which, written) => {
    for (let count = 0; count < 5; count++) {
      const { status, text, lines } = await ask(`/throw/${which}`);
      expect([status, text]).toEqual([500, "Internal Server Error"]);
      const errors = lines.filter(({ level }) => level === "ERROR");
      expect(errors).toHaveLength(1);
      expect(errors[0]!.fields["error"]).toContain(written);
    }
    // Five slots were taken, one for each.
    expect(await ask("/")).toMatchObject({ status: 200, text: "ok" });
  });
});

describe("an answer that JSON would lose a part of", () => {
  it.each([
    ["map", "a Map"],
    ["response", "a DeploymentResponse that was not awaited"],
    ["handle", "a handle"],
    ["method", "a method of a handle that was not called"],
    ["generator", "an AsyncGenerator"],
    ["converted", "a Set"],
  ])("is 500, and the log says which: %s", async (which, named) => {
    const { status, text, lines } = await ask(`/answer/${which}`);
    expect([status, text]).toEqual([500, "Internal Server Error"]);
    expect(lines.find(({ level }) => level === "ERROR")?.message).toContain(`a value with ${named} at .a[1]["b c"]`);
  });
});

describe("whatever a handler logs", () => {
  it.each(["bindings", "large", "self"])("is written beside the rest: %s", async (which) => {
    const { status, lines } = await ask(`/log/${which}`);
    expect(status).toBe(200);
    expect(seenIn(lines, "seen")).toMatchObject({ app: "root", last: "here", "fields.message": "forged" });
  });

  it("shows the names of the Worker's bindings, however they were reached", async () => {
    const { lines } = await ask("/log/bindings");
    const { value } = seenIn(lines, "seen") as { value: [string[], { context: { env: unknown } }, { env: unknown }] };
    const names = value[0];
    expect(names).toContain("PASSWORD");
    expect(value[1].context.env).toEqual(names);
    expect(value[2].env).toEqual(names);
    const routed = seenIn((await ask("/hono/")).lines, "seen by Hono");
    expect(routed).toMatchObject({ c: { env: expect.arrayContaining([...names, "replica"]) }, env: expect.arrayContaining(names) });
    expect(server.logs().join("\n")).not.toContain("hunter2");
  });
});
