/** The dashboard's pages of tasks, by way of `edge-serve dashboard`: a browser without the token, and pages from elsewhere. */
import { request as httpRequest } from "node:http";
import { serve, type Server } from "edge-serve/testing";
import { Window } from "happy-dom";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { app } from "../e2e/apps/tasks.ts";
import { runCli } from "../../src/cli/program.ts";
import { rejectionOf } from "../support/rejection.ts";

const TOKEN = "correct horse battery staple";

let server: Server;
let address: string;
const ending = new AbortController();

beforeAll(async () => {
  server = await serve("test/e2e/apps/tasks.yaml", { token: TOKEN, quiet: true });
  const said = Promise.withResolvers<string>();
  void runCli(["dashboard", "--port", "0"], {
    out: said.resolve,
    err: (text) => said.reject(new Error(text)),
    cwd: process.cwd(),
    env: { ...process.env, EDGE_SERVE_TOKEN: TOKEN, EDGE_SERVE_URL: server.url },
    signal: ending.signal,
  });
  address = /http:\/\/127\.0\.0\.1:\d+\//.exec(await said.promise)![0];
});
afterAll(async () => {
  ending.abort();
  await server.stop();
});

interface Sent {
  readonly status: number;
  readonly location: string | undefined;
  readonly text: string;
}

/** As a browser sends it: redirects are the test's, and so are headers that `fetch` keeps for itself. */
function send(path: string, { method = "GET", headers = {} }: { readonly method?: string; readonly headers?: object } = {}): Promise<Sent> {
  return new Promise((resolve, reject) => {
    httpRequest(address, { path, method, headers: { ...headers } }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => void (text += part));
      response.on("end", () => resolve({ status: response.statusCode!, location: response.headers.location, text }));
    })
      .on("error", reject)
      .end();
  });
}

function opened({ text }: Sent) {
  const window = new Window({ url: address });
  window.document.write(text);
  return window.document;
}

const start = async (method: string, options: object = {}) => {
  const id = await server.handle<typeof app>("tasks").start.remote({ method, options }).result();
  if (method === "hopeless") await rejectionOf(server.task(id).result());
  return id;
};
const stateOf = async (id: string) => (await server.task(id).status()).state;
const own = () => ({ origin: new URL(address).origin, "sec-fetch-site": "same-origin" });

describe("a browser without the token", () => {
  it("gets from the first page to the tasks of a state, to one of them, and retries it", async () => {
    const id = await start("hopeless");
    const first = opened(await send("/"));
    const counted = [...first.querySelectorAll("a")].find((link) => link.textContent.startsWith("FAILED"))!;
    const list = await send(`/${counted.getAttribute("href")}`);
    expect(list.text).not.toContain(TOKEN);
    const row = [...opened(list).querySelectorAll("tbody tr")].find((one) => one.textContent.includes(id))!;
    expect(row.querySelector("td.bad")?.textContent.trim()).toBe("FAILED");
    const page = opened(await send(`/${row.querySelector("a")!.getAttribute("href")}`));
    expect(page.querySelector("pre")?.textContent).toBe("no use");
    const before = (await server.task(id).status()).finishedAt!;
    const sent = await send(`/${page.querySelector("form")!.getAttribute("action")}`, { method: "POST", headers: own() });
    expect([sent.status, sent.location]).toEqual([303, `?task=${id}`]);
    await expect.poll(async () => (await server.task(id).status()).finishedAt ?? 0).toBeGreaterThan(before);
    expect((await send(`/${sent.location}`)).status).toBe(200);
  });

  it("cancels one that waits, and is told the second time that there is nothing to cancel", async () => {
    const id = await start("run", { delayMs: 3_600_000 });
    const cancel = () => send(`/?task=${id}&action=cancel`, { method: "POST", headers: own() });
    expect((await cancel()).status).toBe(303);
    expect(await stateOf(id)).toBe("CANCELLED");
    const again = await cancel();
    expect([again.status, opened(again).querySelector("[role=alert]")?.textContent]).toEqual([
      409,
      "It is CANCELLED, so there is nothing to cancel.",
    ]);
  });

  it.each([
    ["/?task=nonsense", 404],
    ["/?state=LOST", 400],
    ["/?state=FAILED&app=tasks", 200],
    ["/?", 200],
    ["//?state=FAILED", 404],
    ["/-/dashboard?state=FAILED", 404],
    ["/-/api/tasks", 404],
  ])("is answered %s with %i", async (path, status) => {
    expect((await send(path)).status).toBe(status);
  });
});

describe("a page from elsewhere", () => {
  it.each([
    ["of another site", { origin: "https://evil.example", "sec-fetch-site": "cross-site" }],
    ["of another port", { origin: "http://127.0.0.1:1", "sec-fetch-site": "same-site" }],
    ["of this machine by its other name", { origin: "http://localhost", "sec-fetch-site": "cross-site" }],
    ["whose origin is hidden", { origin: "null" }],
    ["of a browser that says nothing", {}],
    ["whose name has come to mean this machine", { host: "evil.example", origin: "http://evil.example" }],
  ])("%s cannot retry or cancel", async (_, headers) => {
    const [failed, waiting] = [await start("hopeless"), await start("run", { delayMs: 3_600_000 })];
    const before = await server.task(failed).status();
    for (const query of [`?task=${failed}&action=retry`, `?task=${waiting}&action=cancel`])
      expect((await send(`/${query}`, { method: "POST", headers })).status).toBe(403);
    expect(await server.task(failed).status()).toEqual(before);
    expect(await stateOf(waiting)).toBe("PENDING");
    await server.task(waiting).cancel();
  });
});

describe("the Worker's own page", () => {
  it("takes a form of its own, and none from elsewhere, whoever adds the token", async () => {
    const id = await start("run", { delayMs: 3_600_000 });
    const post = (origin: string) =>
      fetch(new URL(`/-/dashboard?task=${id}&action=cancel`, server.url), {
        method: "POST",
        redirect: "manual",
        headers: { authorization: `Bearer ${TOKEN}`, origin },
      });
    expect((await post("https://evil.example")).status).toBe(403);
    expect(await stateOf(id)).toBe("PENDING");
    expect((await post(new URL(server.url).origin)).status).toBe(303);
    expect(await stateOf(id)).toBe("CANCELLED");
  });
});
