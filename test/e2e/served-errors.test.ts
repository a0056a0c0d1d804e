/** What a test sees of an application's errors: in what handles raise, in the log, and on standard error. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { connect } from "edge-serve/client";
import { serve, type Server } from "edge-serve/testing";
import type { app } from "./apps/served-errors.ts";
import { rejectionOf } from "../support/rejection.ts";

const TARGET = "test/e2e/apps/served-errors.yaml";
const FILE = "test/e2e/apps/served-errors.ts";
const LINES = readFileSync(FILE, "utf8").split("\n");

/** Where in the application's file a text stands, as stacks say it, up to the column. */
function at(text: string): string {
  return `${FILE}:${LINES.findIndex((line) => line.includes(text)) + 1}:`;
}

/** What is written to standard error while `act` runs. */
async function errorsOf(act: () => Promise<unknown>): Promise<string> {
  const spy = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  try {
    await act();
    return spy.mock.calls.map(([text]) => String(text)).join("");
  } finally {
    spy.mockRestore();
  }
}

type Front = ReturnType<typeof connect<typeof app>>;

describe("the stack of an error", () => {
  let server: Server;
  beforeAll(async () => {
    server = await serve(TARGET, { token: "secret", quiet: true });
  });
  afterAll(() => server.stop());

  const callers: readonly (readonly [string, () => Front])[] = [
    ["server.handle", () => server.handle<typeof app>()],
    ["connect", () => connect<typeof app>(server.url, { token: "secret" })],
  ];
  const itemsOf = async (handle: Front) => {
    for await (const _ of handle.items.remote());
  };
  const ways: readonly (readonly [string, (handle: Front) => PromiseLike<unknown>, readonly string[]])[] = [
    ["a call", (handle) => handle.own.remote(), [`Front.own (${at("thrown here")}`]],
    ["a nested call", (handle) => handle.nested.remote(), [`Front.nested (${at("sort.remote")}`, `Sorter.sort (${at("cannot sort")}11)`]],
    ["a stream", itemsOf, [`Sorter.items (${at("no second item")}`]],
    [
      "a broadcast",
      async (handle) => Promise.reject(((await handle.own.broadcast())[0] as PromiseRejectedResult).reason),
      [`(${at("thrown here")}`],
    ],
  ];

  describe.each(callers)("raised by %s", (_, handle) => {
    it.each(ways)("names the source files: %s", async (__, call, frames) => {
      const { stack } = (await rejectionOf(call(handle()))) as Error;
      for (const frame of frames) expect(stack).toContain(frame);
      expect(stack).not.toContain(".wrangler");
    });

    it("names them in a cause too", async () => {
      const { cause } = (await rejectionOf(handle().caused.remote())) as { cause: Error };
      expect(cause.stack).toContain(`Front.caused (${at('"outer"')}`);
    });

    it("names them after a restart", async () => {
      await server.restart();
      expect(((await rejectionOf(handle().own.remote())) as Error).stack).toContain(`Front.own (${at("thrown here")}`);
    });
  });
});

describe("standard error", () => {
  it("shows what failed, with its stack in the source files, and no line below ERROR", async () => {
    await using server = await serve(TARGET);
    const shown = await errorsOf(async () => {
      expect((await server.fetch("/")).status).toBe(500);
      await server.fetch("/logs");
      await server.waitForLog(({ message }) => message === "only a warning");
    });
    expect(shown).toMatch(/^edge-serve: ERROR default\/Sorter \S+: TypeError: cannot sort mail\n\s+at [^]*served-errors\.ts:\d+:11\)/);
    expect(shown).toContain('charge failed {"order":"order-7"}\n');
    expect(shown).not.toContain("only a warning");
    expect(shown).not.toContain(".wrangler");
  });

  it("shows nothing with `quiet`, and the log has it all the same", async () => {
    await using server = await serve(TARGET, { quiet: true });
    const shown = await errorsOf(async () => {
      await server.fetch("/");
      await server.waitForLog(({ level, message }) => level === "ERROR" && message === "cannot sort mail");
    });
    expect(shown).toBe("");
  });
});
