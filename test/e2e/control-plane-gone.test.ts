/**
 * Serving goes on without a control plane: its controllers throw, die or do not answer, and so does the config store.
 */
import { describe, expect, it } from "vitest";
import { serve } from "../../src/testing.ts";
import { projectWith } from "../support/own-controller.ts";

const APP = `import * as serve from "edge-serve";

class Model {
  async call(value: number) { return value * 2; }
}
class Front {
  constructor(private readonly model: serve.DeploymentHandle<Model>) {}
  async call() { return this.model.remote(21); }
  async double(value: number) { return this.model.remote(value); }
}
export const app = serve.deployment(Front).bind(
  serve.deployment(Model, { healthCheckPeriodMs: 200, autoscaling: { maxReplicas: 3, metricsIntervalMs: 200 } }).bind(),
);
`;

const FAILURES = {
  throws: 'throw new Error("The controller is broken.");',
  dies: 'this.ctx.abort("The controller dies."); throw new Error("unreachable");',
  hangs: "return new Promise<never>(() => {});",
};

const brokenClasses = (failure: string) => {
  const methods = (names: readonly string[]) => names.map((name) => `async ${name}(): Promise<never> { ${failure} }`).join(" ");
  return `export class EdgeServeController extends generated.EdgeServeController { ${methods(["report", "adopt", "status", "scale"])} }
export class EdgeServeConfig extends generated.EdgeServeConfig { ${methods(["put", "remove", "current"])} }
`;
};

/** How long a replica waits for its controller before it serves. */
const WAITS_MS = 1000;
/** Two replicas wait, one after the other, and a busy machine takes its time to start them. */
const FIRST_MS = 2 * WAITS_MS + 10_000;

describe.each(Object.entries(FAILURES))("where a controller %s at every call", (kind, failure) => {
  it("HTTP and calls are answered, no request but the first waits for it, and the system is healthy", async () => {
    using project = projectWith(APP, brokenClasses(failure));
    await using server = await serve(`${project.root}/src/app.ts:app`, { token: "secret" });
    const timed = async (act: () => Promise<unknown>, expected: unknown) => {
      const startedAt = performance.now();
      expect(await act()).toBe(expected);
      return performance.now() - startedAt;
    };
    const overHttp = async () => {
      const response = await server.fetch("/");
      return response.status === 200 ? response.json() : response.status;
    };
    // Sent again and again meanwhile, and asks nobody: what holds the machine up holds one of these up as well.
    const whileAlone = async <T>(answers: Promise<T>): Promise<[answers: T, aloneMs: number]> => {
      const round = { isOver: false };
      let aloneMs = 0;
      const over = answers.finally(() => (round.isOver = true));
      do aloneMs = Math.max(aloneMs, await timed(async () => (await server.fetch("/-/nothing")).status, 404));
      while (!round.isOver);
      return [await over, aloneMs];
    };
    const handle = server.handle<{ double(value: number): number }>();

    expect(await timed(overHttp, 42)).toBeLessThan(FIRST_MS);
    // For longer than a controller that did not answer is left alone.
    const untilMs = performance.now() + (kind === "hangs" ? 7000 : 1500);
    const longerMs: number[] = [];
    while (performance.now() < untilMs) {
      const [tookMs, aloneMs] = await whileAlone(Promise.all(Array.from({ length: 5 }, () => timed(overHttp, 42))));
      longerMs.push(Math.max(...tookMs) - aloneMs);
    }
    // Not timed: it comes through the operator's door, which asks what runs now.
    expect(await handle.double.remote(4)).toBe(8);
    expect(Math.max(...longerMs)).toBeLessThan(WAITS_MS - 200);

    const healthz = await server.fetch("/-/healthz");
    expect([healthz.status, await healthz.text()]).toEqual([200, "success"]);
    expect((await server.fetch("/nowhere")).status).toBe(200);
  });
});

describe("the operator of a system whose controllers throw", () => {
  it("is told so, and nothing of why", async () => {
    using project = projectWith(APP, brokenClasses(FAILURES.throws));
    await using server = await serve(`${project.root}/src/app.ts:app`, { token: "secret" });
    const response = await server.fetch("/-/api/applications", { headers: { authorization: "Bearer secret" } });
    expect(response.status).toBe(503);
    expect(await response.text()).not.toContain("broken");
  });
});
