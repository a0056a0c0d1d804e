import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serve, type Server } from "edge-serve/testing";
import type { careful, Outcome } from "./apps/lost.ts";

let server: Server;

beforeAll(async () => {
  server = await serve("test/e2e/apps/lost.yaml");
});
afterAll(() => server.stop());

/** How often each request began, by the replicas' own logs. */
function runsOf(outcomes: readonly Outcome[]): Map<string, number> {
  const runs = new Map(outcomes.map(({ id }) => [id, 0]));
  for (const { message, fields } of server.logs()) {
    const id = String(fields["id"]);
    if (message === "ran" && runs.has(id)) runs.set(id, runs.get(id)! + 1);
  }
  return runs;
}

async function storm(app: string, count: number, losses: number): Promise<{ outcomes: Outcome[]; runs: Map<string, number> }> {
  const outcomes = await server.handle<typeof careful>(app).storm.remote(count, losses);
  // An answer over HTTP comes after all that was logged before it.
  await server.fetch("/-/healthz");
  return { outcomes, runs: runsOf(outcomes) };
}

describe("when replicas are lost under load", () => {
  it("answers every request, runs none twice, and fails only those that may have begun", async () => {
    const { outcomes, runs } = await storm("careful", 300, 4);
    expect(outcomes).toHaveLength(300);
    expect(new Set(outcomes.map(({ result }) => result))).toEqual(new Set(["ok", "ReplicaUnavailableError"]));
    for (const { id, result } of outcomes) expect([id, result, runs.get(id)! <= 1]).toEqual([id, result, true]);
    for (const { id, result } of outcomes) if (result === "ok") expect([id, runs.get(id)]).toEqual([id, 1]);
    // Each loss takes what the replica ran; a claim that was on its way counts as begun, because nobody can tell.
    const failed = outcomes.filter(({ result }) => result !== "ok").length;
    expect(failed).toBeLessThanOrEqual(4 * 4 * 3 * 2);
  });

  it("runs begun requests again where the deployment allows it, and loses none", async () => {
    const { outcomes, runs } = await storm("eager", 200, 3);
    expect(new Set(outcomes.map(({ result }) => result))).toEqual(new Set(["ok"]));
    expect([...runs.values()].every((count) => count >= 1)).toBe(true);
  });
});
