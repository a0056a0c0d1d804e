/** `edge-serve dashboard`, in front of a system that runs, and of what is none. */
import { createServer } from "node:http";
import { request as httpRequest } from "node:http";
import type { AddressInfo } from "node:net";
import { resolve } from "node:path";
import { serve, type Server } from "edge-serve/testing";
import { Window } from "happy-dom";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCli } from "../../src/cli/program.ts";

const TOKEN = "correct horse battery staple";

interface Given {
  readonly url: string;
  readonly token?: string;
  readonly argv?: readonly string[];
}

/** The command, running: what it has printed, and how it ends. */
function dashboard({ url, token = TOKEN, argv = ["--port", "0"] }: Given) {
  const ending = new AbortController();
  const said = Promise.withResolvers<string>();
  let err = "";
  const exit = runCli(["dashboard", ...argv], {
    out: said.resolve,
    err: (text) => void (err += text),
    cwd: process.cwd(),
    env: { ...process.env, EDGE_SERVE_TOKEN: token, EDGE_SERVE_URL: url },
    signal: ending.signal,
  });
  void exit.then((code) => said.reject(new Error(`It ended with ${code}: ${err}`)));
  said.promise.catch(() => {});
  return { said: said.promise, exit, err: () => err, end: () => ending.abort() };
}

const addressIn = (text: string) => /http:\/\/127\.0\.0\.1:\d+\//.exec(text)![0];

/** A request whose `Host` is another: a page from elsewhere whose name has come to mean this machine. */
function statusFor(url: string, host: string): Promise<number | undefined> {
  return new Promise((settle, reject) => {
    httpRequest(url, { headers: { host } }, (response) => settle(response.resume().statusCode))
      .on("error", reject)
      .end();
  });
}

describe("edge-serve dashboard", () => {
  let server: Server;

  beforeAll(async () => {
    server = await serve(resolve("test/e2e/apps/control.yaml"), { token: TOKEN });
  });
  afterAll(() => server?.stop());

  it("shows the system in a browser that has no token, until it is ended", async () => {
    const { said, exit, end } = dashboard({ url: server.url });
    const address = addressIn(await said);
    expect(await said).toBe(`The dashboard of ${new URL(server.url).origin} is at ${address}\n`);
    const response = await fetch(address);
    expect(response.status).toBe(200);
    const policy = response.headers.get("content-security-policy")!;
    const text = await response.text();
    expect(text).not.toContain(TOKEN);
    // The same nonce in the header as in the page, or its script would not run.
    expect(text).toContain(`<script nonce="${/nonce-([\w-]+)/.exec(policy)![1]}">`);
    const { document } = new Window();
    document.write(text);
    expect([...document.querySelectorAll("h2")].map((one) => one.textContent.trim().split(/\s/)[0])).toEqual([
      "main",
      "elastic",
      "sleeper",
    ]);
    expect([...document.querySelectorAll("th[scope=row]")].map((one) => one.textContent.trim())).toContain("main/Model/-/0.0");
    // Each look is a new page.
    expect((await fetch(address)).headers.get("content-security-policy")).not.toBe(policy);
    end();
    expect(await exit).toBe(0);
    await expect(fetch(address)).rejects.toThrow();
  });

  it("hands out nothing else, and nothing to a page from elsewhere", async () => {
    const { said, exit, end } = dashboard({ url: server.url });
    const address = addressIn(await said);
    const { port } = new URL(address);
    expect((await fetch(new URL("/-/api/applications", address))).status).toBe(404);
    expect((await fetch(address, { method: "PUT" })).status).toBe(404);
    expect(await statusFor(address, `evil.example:${port}`)).toBe(403);
    expect(await statusFor(address, `localhost:${port}`)).toBe(200);
    end();
    expect(await exit).toBe(0);
  });

  it("says at once that the token is wrong, and that the port is taken", async () => {
    const wrong = dashboard({ url: server.url, token: "wrong" });
    expect(await wrong.exit).toBe(1);
    expect(wrong.err()).toContain("EDGE_SERVE_TOKEN does not match the Worker's secret");
    const taken = createServer();
    await new Promise<void>((listening) => taken.listen(0, "127.0.0.1", listening));
    const { port } = taken.address() as AddressInfo;
    const second = dashboard({ url: server.url, argv: ["--port", String(port)] });
    expect(await second.exit).toBe(1);
    expect(second.err()).toBe(`Port ${port} is in use. Choose another with --port; 0 is any that is free.\n`);
    taken.close();
  });

  it("has the last hour, says in the browser that the system has gone, and has it still when the system is back", async () => {
    const { said, exit, end } = dashboard({ url: server.url });
    const address = addressIn(await said);
    const requests = async () => {
      const answer = await fetch(address);
      return answer.status === 200 ? requestsIn(await answer.text(), "Front") : answer.status;
    };
    for (let count = 0; count < 7; count++) expect((await server.fetch("/")).status).toBe(200);
    await expect.poll(requests).toBe(7);
    await server.kill();
    const gone = await fetch(address);
    expect([gone.status, await gone.text()]).toEqual([502, expect.stringContaining("cannot be reached")]);
    await server.restart();
    await expect.poll(requests, { timeout: 60_000 }).toBe(7);
    end();
    expect(await exit).toBe(0);
  });
});

/** How many requests of a deployment the plot of its last hour has, from the heights of its bars. */
function requestsIn(page: string, deployment: string): number {
  const { document } = new Window();
  document.write(page);
  const plots = [...document.querySelectorAll("h3")].find((one) => one.textContent === deployment)?.nextElementSibling;
  const most = Number(/max (\d+)/.exec(plots?.querySelector("figcaption span")?.textContent ?? "")?.[1] ?? 0);
  const bars =
    plots
      ?.querySelector("path")
      ?.getAttribute("d")
      ?.matchAll(/V([\d.]+)/g) ?? [];
  return Math.round([...bars].reduce((sum, [, top]) => sum + ((30 - Number(top)) / 30) * most, 0));
}

describe("what is no system", () => {
  it("is told from one by what it answers", async () => {
    const other = createServer((_, response) => response.writeHead(200, { "content-type": "application/json" }).end("{}"));
    await new Promise<void>((listening) => other.listen(0, "127.0.0.1", listening));
    const { exit, err } = dashboard({ url: `http://127.0.0.1:${(other.address() as AddressInfo).port}` });
    expect(await exit).toBe(1);
    expect(err()).toContain("answered GET /-/dashboard with 200, and not as an operator's API does.");
    other.close();
  });
});
