import { describe, expect, it } from "vitest";
import { registerModels } from "../../../src/multiplexing/registry.ts";
import { StateReports } from "../../../src/replica/state-reports.ts";
import { replicaScope } from "../../support/scope.ts";

/** Reports of a replica that has these models, the one used last at the end. */
function reportsOf(present: readonly string[], load = { ongoing: 2, queued: 1 }) {
  const scope = replicaScope();
  registerModels(scope, { present, measurements: {}, close: async () => {} });
  return new StateReports(scope, () => load);
}

describe("what a replica tells of itself", () => {
  it("leaves out the request that it answers, whether that has ended or is still being sent", () => {
    const reports = reportsOf([]);
    expect(reports.now()).toMatchObject({ ongoing: 2, queued: 1 });
    expect(reports.now({ endedAtMs: 0 })).toMatchObject({ ongoing: 1, queued: 1 });
    expect(reports.now({ endedAtMs: 5 })).toMatchObject({ ongoing: 2, queued: 1 });
  });

  it.each(["a", "ü", '"', " "])("has the models used last, as many as fit in a header (%j)", (letter) => {
    const ids = Array.from({ length: 2000 }, (_, n) => `${letter}${n}`);
    const { models } = reportsOf(ids).now();
    expect(models).toEqual(ids.toReversed().slice(0, models.length));
    const lengthOf = (some: readonly string[]) => JSON.stringify(some).replaceAll(/[^!-~]/g, "\\u0000").length;
    expect(lengthOf(models)).toBeLessThanOrEqual(4100);
    expect(lengthOf(ids.slice(-models.length - 1))).toBeGreaterThan(4096);
  });
});
