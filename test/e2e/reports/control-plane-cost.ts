/**
 * What the control plane sends: counted by classes of the Worker's own main, in front of the generated ones. Part of
 * `reports.test.ts`.
 */
import { describe, expect, type ExpectStatic, it } from "vitest";
import { serve, type Server } from "../../../src/testing.ts";
import { projectWith } from "../../support/own-controller.ts";

const APP = `import * as serve from "edge-serve";

class Model {
  async call(ms: number) { await new Promise((resolve) => setTimeout(resolve, ms)); return "ok"; }
  async fetch() { return this.call(20); }
}
export const plain = serve.deployment(Model, { healthCheckPeriodMs: 200 }).bind();
export const scaled = serve.deployment(Model, {
  healthCheckPeriodMs: 200,
  autoscaling: { maxReplicas: 3, targetOngoingRequests: 10, metricsIntervalMs: 200, lookBackPeriodMs: 1000, downscaleDelayMs: 300 },
}).bind();
`;

const COUNTING = `
export class EdgeServeController extends (generated.EdgeServeController as any) {
  async report(report: any) { console.log("report " + report.event.kind); return super.report(report); }
  async alarm() { console.log("alarm"); return super.alarm(); }
}
for (const [name, value] of Object.entries(generated as any)) {
  const { prototype } = value as any;
  if (prototype?.assign === undefined) continue;
  const { assign } = prototype;
  prototype.assign = function (...args: any[]) { console.log("assign " + name); return assign.apply(this, args); };
}
`;
const QUIET_MS = 15_000;
const HEADERS = { headers: { authorization: "Bearer secret" } };

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** What the control plane has sent so far. */
const sent = (server: Server) => server.logs().flatMap(({ message }) => (/^(report|alarm|assign)/.test(message) ? [message] : []));

/** @param expect Of the test: others run beside it. */
async function started(target: string, expect: ExpectStatic): Promise<Server> {
  const server = await serve(target, { token: "secret" });
  await expect
    .poll(
      async () =>
        Object.values(
          ((await (await server.fetch("/-/api/applications", HEADERS)).json()) as { applications: Record<string, { status: string }> })
            .applications,
        )[0]?.status,
    )
    .toBe("RUNNING");
  return server;
}

/** A steady load: four requests at a time. */
async function load(server: Server, ms: number): Promise<number> {
  const untilMs = performance.now() + ms;
  let count = 0;
  const one = async () => {
    while (performance.now() < untilMs) {
      expect(await (await server.fetch("/")).text()).toBe("ok");
      count++;
    }
  };
  await Promise.all([one(), one(), one(), one()]);
  return count;
}

describe.concurrent("an idle application", () => {
  it.for(["plain", "scaled"])("costs nothing: no report, no order, no alarm (%s)", async (name, { expect }) => {
    using project = projectWith(APP, COUNTING);
    await using server = await started(`${project.root}/src/app.ts:${name}`, expect);
    await load(server, 500);
    await sleep(name === "scaled" ? 4000 : 1000);
    const before = sent(server);
    expect(before).toContain("assign default__Model");
    // As long as this because workerd puts objects to sleep after ten seconds.
    await sleep(QUIET_MS);
    expect(sent(server).slice(before.length)).toEqual([]);
  });
});

// One after the other, because how busy it is counts.
describe.concurrent("among others,", () => {
  describe("a replica that works steadily", { concurrent: false }, () => {
    it("is ordered once, and says within its 40 s only that it has begun where it is not autoscaled", async ({ expect }) => {
      using project = projectWith(APP, COUNTING);
      await using server = await started(`${project.root}/src/app.ts:plain`, expect);
      expect(await load(server, 5000)).toBeGreaterThan(100);
      const told = sent(server).filter((message) => message !== "alarm");
      // That it has begun, and what series were new after that: at one look, or at a few on a busy machine.
      expect(told.slice(0, 2)).toEqual(["assign default__Model", "report alive"]);
      expect(told.slice(2).filter((message) => message !== "report alive")).toEqual([]);
      expect(told.length).toBeLessThanOrEqual(5);
    });

    it("tells its load when that begins and when it ends, and not in between", async ({ expect }) => {
      using project = projectWith(APP, COUNTING);
      await using server = await started(`${project.root}/src/app.ts:scaled`, expect);
      expect(await load(server, 5000)).toBeGreaterThan(100);
      await expect.poll(() => sent(server).filter((message) => message.startsWith("report")).length).toBeGreaterThan(1);
      await sleep(3000);
      const reports = sent(server).filter((message) => message.startsWith("report"));
      // One for a first interval that was only partly busy, and one for a last, of 25. On a busy machine the load changes now and then.
      expect(reports.length).toBeLessThanOrEqual(12);
      expect(new Set(reports)).toEqual(new Set(["report alive", "report load"]));
      expect(reports.filter((report) => report === "report alive")).toHaveLength(1);
    });
  });
});
