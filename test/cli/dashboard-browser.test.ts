/** The dashboard in a real browser: widths, schemes, keyboard, accessibility, the policy, and what it asks for when nobody looks. */
import { existsSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { AxeBuilder } from "@axe-core/playwright";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dashboardPage } from "../../src/operator/dashboard/page.ts";
import { pageResponse } from "../../src/operator/dashboard/shell.ts";
import { TASK_STYLE, taskSection } from "../../src/operator/dashboard/tasks.ts";
import { ControlledWorld, manifestOf } from "../support/controlled-world.ts";

const CHROMIUM = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
const WHY_NOT = existsSync(CHROMIUM) ? "" : ` (skipped: there is no ${CHROMIUM})`;

const MESSAGE = `its constructor threw TypeError: No weights in ${"deep/".repeat(30)}app.bin`;

const STACK = `TypeError: No weights\n    at new Broken (${"deep/".repeat(40)}app.ts:7:11)`;

/** A system with a deployment that works, one that fails, a queue, tasks, a canary, and an hour behind it; by the real controller. */
async function pageOfSystem(): Promise<Response> {
  const world = new ControlledWorld(manifestOf({ Model: { numReplicas: 2 }, Broken: { maxConstructorRetryCount: 1 } }));
  world.answer = ({ deployment }) =>
    deployment === "Broken" ? { kind: "startFailed", version: "v1", message: MESSAGE, stack: STACK } : { kind: "done", version: "v1" };
  await world.run();
  for (let minute = 1; minute <= 60; minute++) {
    const requests = minute * 100 + (minute % 7) * 30;
    await world.controller.report({
      deployment: "Model",
      replica: "app/Model/-/0.0",
      version: "v1",
      epoch: 9,
      event: { kind: "alive" },
      metrics: {
        startedAtMs: 1,
        series: {
          requests: [[["/"], [requests]]],
          errors: [[["/", "TypeError"], [Math.max(0, minute - 45) * 4]]],
          latency: [[["/"], [9, 0, requests, minute * 9]]],
          queued: [[[], [minute % 5]]],
          http: [[["/", "GET", 200], [requests]]],
        },
      },
    });
    await world.run(60_000);
  }
  const split = { v1: 95, v2: 5 };
  const section = taskSection({
    apps: ["app"],
    counters: [],
    tasks: [
      {
        id: `app.Model.${"0123456789abcdef".repeat(4)}`,
        app: "app",
        deployment: "Model",
        method: "index",
        state: "FAILED",
        attempts: 3,
        createdAt: 0,
        error: { name: "TypeError", message: "No weights" },
      },
    ],
  });
  const routes = {
    status: { "/rank": { state: "PROGRESSING", split, percent: 5, reason: "It does well.", since_s: 1_700_000_000 } },
    measured: {},
  } as const;
  return pageResponse(
    dashboardPage([{ app: "app", metrics: await world.controller.metrics(true) }], crypto.randomUUID(), {
      routes,
      tasks: { section, formStyle: TASK_STYLE },
    }),
  );
}

describe.skipIf(WHY_NOT !== "")(`the dashboard in Chromium${WHY_NOT}`, () => {
  let browser: Browser;
  let server: Server;
  let url: string;
  let asked = 0;
  /** One page for all looks, with everything open. */
  let looked: Awaited<ReturnType<typeof open>>;

  beforeAll(async () => {
    const response = await pageOfSystem();
    const text = await response.text();
    server = createServer((request, answer) => {
      if (request.url === "/") asked++;
      answer.writeHead(request.url === "/" ? 200 : 404, Object.fromEntries(response.headers)).end(text);
    });
    const listening = new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    [browser] = await Promise.all([chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] }), listening]);
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  });
  beforeAll(async () => {
    looked = await open();
    for (const one of await looked.page.locator("summary").all()) await one.click();
  });
  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  async function open(look: { width?: number; clock?: boolean } = {}): Promise<{ page: Page; said: string[] }> {
    const { width = 1280, clock = false } = look;
    const context = await browser.newContext({ viewport: { width, height: 900 } });
    const page = await context.newPage();
    if (clock) await page.clock.install();
    const said: string[] = [];
    page.on("console", (line) => line.type() === "error" && said.push(line.text()));
    page.on("pageerror", (error) => said.push(error.message));
    await page.goto(url);
    return { page, said };
  }

  it.each(([375, 768, 1280] as const).flatMap((width) => (["light", "dark"] as const).map((colorScheme) => ({ width, colorScheme }))))(
    "fits, is accessible and obeys its policy at $width px, $colorScheme",
    async ({ width, colorScheme }) => {
      const { page, said } = looked;
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme });
      const wide = await page.evaluate<number>("document.documentElement.scrollWidth");
      const shots = process.env["DASHBOARD_SHOTS"];
      if (shots !== undefined) await page.screenshot({ path: `${shots}/${width}-${colorScheme}.png`, fullPage: true });
      const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze();
      expect(
        violations.map(({ id, nodes }) => [id, nodes.map(({ html, failureSummary }) => [html.slice(0, 200), failureSummary])]),
      ).toEqual([]);
      expect(wide).toBeLessThanOrEqual(width);
      expect(said).toEqual([]);
      // What is wrong is seen without scrolling.
      const notice = page.locator(".notices li", { hasText: "No weights" }).first();
      expect((await notice.boundingBox())!.y).toBeLessThan(450);
      expect(await notice.innerText()).toContain("at new Broken");
    },
  );

  it("draws the last hour as soon as it is opened", async () => {
    const { page } = await open();
    const plots = page.locator(".plots").first();
    expect(await plots.locator("svg").count()).toBe(4);
    const bars = await plots.locator("path").first().boundingBox();
    const plot = await plots.locator("svg").first().boundingBox();
    expect(bars!.width).toBeGreaterThan(plot!.width * 0.9);
    expect(await plots.locator("figcaption").first().textContent()).toMatch(/requests\/min\s+\d/);
    await page.context().close();
  });

  it("is used by keyboard: each deployment's replicas open with Enter", async () => {
    const { page } = await open({ width: 375 });
    const details = page.locator("details").first();
    for (let times = 0; times < 20 && !(await page.locator("summary:focus").count()); times++) await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    expect(await details.getAttribute("open")).toBe("");
    await page.context().close();
  });

  it("asks every 10 s while it is looked at, and for nothing while it is hidden", async () => {
    const { page } = await open({ clock: true });
    const before = asked;
    const refreshed = page.waitForResponse(url);
    await page.clock.runFor(10_000);
    await refreshed;
    expect(asked).toBe(before + 1);
    await page.evaluate(`Object.defineProperty(document, "visibilityState", { value: "hidden" })`);
    await page.clock.runFor(60_000);
    // A request that had been sent would have come before this one.
    await page.evaluate(`fetch("/after").then(() => {})`);
    expect(asked).toBe(before + 1);
    await page.context().close();
  });
});
