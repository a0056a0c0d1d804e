import { Window } from "happy-dom";
import { describe, expect, it } from "vitest";
import { SCRIPT } from "../../../src/operator/dashboard/client.ts";
import type { DeploymentOptions } from "../../../src/index.ts";
import { dashboardPage } from "../../../src/operator/dashboard/page.ts";
import { viewOf } from "../../../src/operator/dashboard/view.ts";
import type { Scraped } from "../../../src/operator/system-metrics.ts";
import type { ReplicaEvent } from "../../../src/protocol/control.ts";
import type { SeriesByKey } from "../../../src/protocol/metrics.ts";
import { ControlledWorld, manifestOf } from "../../support/controlled-world.ts";

const FIRST = "app/Model/-/0.0";

/** A controlled application, and what a scrape of it shows. */
function system(options: Parameters<typeof manifestOf>[0] = { Model: { numReplicas: 2 }, Other: {} }) {
  const world = new ControlledWorld(manifestOf(options));
  return {
    world,
    report: (series: SeriesByKey, event: ReplicaEvent = { kind: "alive" }) =>
      world.controller.report({
        deployment: "Model",
        replica: FIRST,
        version: "v1",
        epoch: 9,
        event,
        metrics: { startedAtMs: 1, series },
      }),
    scraped: async (): Promise<Scraped[]> => [{ app: "app", metrics: await world.controller.metrics(true) }],
  };
}

function opened(scraped: readonly Scraped[]) {
  const window = new Window();
  window.document.write(dashboardPage(scraped, "n").html);
  return window.document;
}

const textOf = (node: { readonly textContent: string } | null) => (node?.textContent ?? "").replaceAll(/\s+/g, " ").trim();

describe("routes", () => {
  it("are a table of shares, with what was measured of both sides of a canary", () => {
    const status = {
      "/<s>": { state: "ROLLED_BACK", split: { v1: 100, v2: 0 }, percent: 0, reason: "At 5 %: 9 % errors.", since_s: 1_700_000_000 },
    } as const;
    const measured = {
      "/<s>": [
        { application: "v1", requests: 950, errorPercent: 0, p95Ms: 20.5 },
        { application: "v2", requests: 50, errorPercent: 9.09, p95Ms: null },
      ],
    };
    const window = new Window();
    window.document.write(dashboardPage([], "n", { routes: { status, measured } }).html);
    const rows = [...window.document.querySelectorAll("tbody tr")].map((row) => [...row.children].map(textOf));
    expect(rows).toEqual([
      ["/<s>", "ROLLED_BACK", "2023-11-14 22:13:20", "v1", "100 %", "950", "0 %", "20.5", "At 5 %: 9 % errors."],
      ["", "", "", "v2", "0 %", "50", "9.09 %", "–", ""],
    ]);
  });
});

describe("a deployment that has no replicas to list", () => {
  it.each<[is: string, options: DeploymentOptions]>([
    ["by key", { keyed: true }],
    ["inline", { placement: "inline" }],
  ])("says what it is instead: %s", async (is, options) => {
    const document = opened(await system({ Model: options, Other: {} }).scraped());
    const more = document.querySelector("details[id='app/Model']")!;
    expect(textOf(more.querySelector("summary"))).toMatch(new RegExp(`^Model: ${is}, epoch`));
    expect(more.querySelector("table")).toBeNull();
    expect(document.querySelector("details[id='app/Other'] table")).not.toBeNull();
  });
});

describe("what is wrong", () => {
  it("is nothing when everything runs", async () => {
    const { world, scraped } = system();
    await world.run();
    expect(viewOf(await scraped())).toMatchObject({ level: "good", notices: [] });
    const page = opened(await scraped());
    expect(textOf(page.querySelector("h1"))).toBe("The application is running.");
    expect(page.title).toBe("Healthy · edge-serve");
  });

  it("is a deployment that does not start, with what it says and where it failed", async () => {
    const { world, scraped } = system({ Model: { maxConstructorRetryCount: 1 } });
    const stack = "Error: <img src=x onerror=alert(1)>\n    at new Model (worker.js:1:2)";
    world.answer = () => ({
      kind: "startFailed",
      version: "v1",
      message: "its constructor threw Error: <img src=x onerror=alert(1)>",
      stack,
    });
    await world.run(60_000);
    const { level, notices } = viewOf(await scraped());
    expect(level).toBe("bad");
    expect(notices).toEqual([
      {
        level: "bad",
        text: "app/Model is DEPLOY_FAILED (REPLICA_STARTUP_FAILED).",
        message: expect.stringMatching(/threw Error: .*onerror[^]*\nError: .*onerror.*\n +at new Model \(worker\.js:1:2\)$/),
      },
    ]);
    const page = opened(await scraped());
    expect(page.querySelector("img")).toBeNull();
    expect(textOf(page.querySelector(".notices"))).toContain("its constructor threw Error: <img src=x onerror=alert(1)>");
  });

  it("is said before what only changes, and a controller that does not answer is part of it", async () => {
    const { world, scraped } = system();
    await world.run();
    await world.controller.scale("Model", 3);
    const { level, notices, applications } = viewOf([...(await scraped()), { app: "lost", metrics: undefined }]);
    expect(level).toBe("bad");
    expect(notices.map(({ text }) => text)).toEqual(["The controller of lost did not answer.", "app/Model is UPSCALING (MANUAL_SCALING)."]);
    expect(applications.map(({ name, level: own }) => [name, own])).toEqual([
      ["app", "changing"],
      ["lost", "bad"],
    ]);
  });

  it("is a queue, though everything runs", async () => {
    const { world, report, scraped } = system();
    await world.run();
    await report({ queued: [[[], [3]]] });
    expect(viewOf(await scraped())).toMatchObject({ level: "changing", notices: [{ text: "3 requests wait at app/Model." }] });
  });
});

describe("the page", () => {
  it("has a row for each deployment and each replica, with their numbers", async () => {
    const { world, report, scraped } = system();
    await world.run();
    await report({
      requests: [[["/"], [1234]]],
      errors: [[["/", "RangeError"], [12]]],
      latency: [[["/"], [9999, 0, 0, 0, 1246]]],
      ongoing: [[[], [5]]],
      http: [[["/", "GET", 200], [1234]]],
    });
    const page = opened(await scraped());
    const rows = [...page.querySelectorAll("tbody tr")].map((row) => [...row.children].map(textOf));
    expect(rows).toEqual([
      ["Model ingress", "HEALTHY", "2 of 2", "5", "0", "1,246", "12 (1.0 %)", "7.5", "9.9"],
      ["Other", "HEALTHY", "1 of 1", "0", "0", "0", "0", "–", "–"],
      [FIRST, "RUNNING", expect.stringMatching(/^\d{4}-/), "1", "5", "0", "1,246", "12 (1.0 %)", "7.5", "9.9"],
      ["app/Model/-/1.0", "RUNNING", expect.any(String), "0", "0", "0", "0", "0", "–", "–"],
      ["app/Other/-/0.0", "RUNNING", expect.any(String), "0", "0", "0", "0", "0", "–", "–"],
    ]);
    expect(textOf(page.querySelector(".http"))).toBe("HTTP answers: 200 1,234");
    expect(textOf(page.getElementById("app/Model"))).toContain("12 × RangeError");
  });

  it("says why the autoscaler decided, the latest first", async () => {
    const { world, scraped } = system({ Model: { autoscaling: { maxReplicas: 9, upscaleDelayMs: 0, targetOngoingRequests: 1 } } });
    await world.run();
    await world.load(FIRST, 4);
    await world.run(60_000);
    const page = opened(await scraped());
    const decisions = [...page.querySelectorAll("#app\\/Model ul:last-of-type li")].map(textOf);
    expect(decisions[0]).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d 1 → 4: /);
  });

  it("runs its own script and styles, loads nothing, and cannot be framed", async () => {
    const { scraped } = system();
    const { html, contentSecurityPolicy } = dashboardPage(await scraped(), "unguessable");
    expect(contentSecurityPolicy).toBe(
      "default-src 'none'; style-src 'nonce-unguessable'; script-src 'nonce-unguessable'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    expect(html.match(/<(?:script|style)\b[^>]*>/g)).toEqual(['<style nonce="unguessable">', '<script nonce="unguessable">']);
    expect(html).not.toMatch(/\b(?:src|href)=|\son\w+=|style="/);
  });
});

/** The page in a browser whose clock and network are in the test's hands. */
function running(first: string) {
  const window = new Window({ url: "http://127.0.0.1:8265/" });
  const { document } = window;
  document.write(first);
  const asked: string[] = [];
  let pages: (() => Response)[] = [];
  let interval: { readonly act: () => unknown; readonly ms: number } | undefined;
  const surroundings = {
    document,
    location: window.location,
    DOMParser: window.DOMParser,
    setInterval: (act: () => unknown, ms: number) => void (interval = { act, ms }),
    fetch: async (url: string) => {
      asked.push(url);
      const next = pages.shift();
      if (next === undefined) throw new TypeError("Failed to fetch");
      return next();
    },
  };
  // oxlint-disable-next-line typescript/no-implied-eval -- it is text because that is how a browser gets it
  new Function(...Object.keys(surroundings), SCRIPT)(...Object.values(surroundings));
  return {
    document,
    asked,
    answer: (...next: (() => Response)[]) => void (pages = next),
    /** Lets the time pass until the page looks for a newer one. */
    tick: async () => {
      await interval!.act();
    },
  };
}

describe("the page's script", () => {
  const pageWith = async (requests: number) => {
    const { world, report, scraped } = system();
    await world.run();
    await report({ requests: [[["/"], [requests]]] });
    return dashboardPage(await scraped(), "n").html;
  };

  it("brings new numbers, and leaves open what was opened", async () => {
    const { document, answer, tick, asked } = running(await pageWith(100));
    const [second, third] = [await pageWith(1100), await pageWith(1500)];
    answer(
      () => new Response(second),
      () => new Response(third),
    );
    document.getElementById("app/Model")!.setAttribute("open", "");
    await tick();
    await tick();
    expect(textOf(document.querySelector("tbody tr td:nth-of-type(5)"))).toBe("1,500");
    expect(document.getElementById("app/Model")!.hasAttribute("open")).toBe(true);
    expect(document.getElementById("app/Other")!.hasAttribute("open")).toBe(false);
    expect(asked).toEqual(["http://127.0.0.1:8265/", "http://127.0.0.1:8265/"]);
  });

  it("waits while something is being filled in, or stepped through by keyboard", async () => {
    const { document, answer, tick, asked } = running(await pageWith(100));
    const next = await pageWith(200);
    answer(() => new Response(next));
    document.querySelector("main")!.insertAdjacentHTML("beforeend", "<form><label>State <select></select></label></form>");
    document.querySelector("select")!.focus();
    await tick();
    expect([asked, textOf(document.getElementById("refreshed"))]).toEqual([[], "Not refreshed while something on it has the focus."]);
    document.querySelector("select")!.blur();
    await tick();
    expect(asked).toHaveLength(1);
  });

  it.each([
    ["Failed to fetch", undefined],
    ["A controller could not be reached.", () => new Response("A controller could not be reached.", { status: 503 })],
  ])("keeps what it shows when it cannot be refreshed, and says why: %s", async (message, response) => {
    const { document, answer, tick } = running(await pageWith(100));
    if (response !== undefined) answer(response);
    await tick();
    expect(textOf(document.getElementById("refreshed"))).toBe(`Not refreshed since: ${message}`);
    expect(document.title).toBe("? · edge-serve");
    expect(document.querySelectorAll("tbody tr")).toHaveLength(5);
  });
});
