import { describe, expect, it } from "vitest";
import { serve } from "../../src/testing.ts";
import { CliProject, HELLO_APP } from "../support/cli-project.ts";

const COUNTER_APP = `import * as serve from "edge-serve";

export class Counter {
  async call(request: Request) {
    const { state, env } = serve.getReplicaContext();
    const count = ((await state.storage.get<number>("count")) ?? 0) + 1;
    await state.storage.put("count", count);
    serve.logger.warning("counted", { count });
    console.log("plain", count);
    return { count, greeting: (env as { GREETING?: string }).GREETING ?? null };
  }
  double(value: number) { return value * 2; }
}
export const build = ({ name }: { name: string }) => serve.deployment(Counter, { name }).bind();
`;

describe("serve", () => {
  it("serves over HTTP and through a handle, with the builder's args and the vars given", async () => {
    using project = new CliProject({ "src/app.ts": COUNTER_APP });
    await using server = await serve(`${project.root}/src/app.ts:build`, { args: { name: "Mine" }, vars: { GREETING: "hi" } });
    expect(await (await server.fetch("/x")).json()).toEqual({ count: 1, greeting: "hi" });
    const handle = server.handle<{ double(value: number): number }>();
    expect(await handle.double.remote(21)).toBe(42);
  });

  it("collects the log, structured lines with their fields", async () => {
    using project = new CliProject({ "src/app.ts": COUNTER_APP });
    await using server = await serve(`${project.root}/src/app.ts:build`, { args: { name: "Mine" } });
    await server.fetch("/", { headers: { "x-request-id": "r-1" } });
    const line = await server.waitForLog(({ message }) => message === "counted");
    expect(line).toMatchObject({ level: "WARNING", fields: { count: 1, deployment: "Mine", requestId: "r-1" } });
    expect(await server.waitForLog(({ message }) => message === "plain 1")).toMatchObject({ level: "INFO", fields: {} });
    expect(server.logs()).toContain(line);
  });

  it("[V2] loses nothing that is stored when it is killed, and comes back at the same URL", async () => {
    using project = new CliProject({ "src/app.ts": COUNTER_APP });
    await using server = await serve(`${project.root}/src/app.ts:build`, { args: { name: "Mine" } });
    const { url } = server;
    await server.fetch("/");
    await server.kill();
    await expect(server.fetch("/")).rejects.toThrow("fetch failed");
    await server.restart();
    expect(server.url).toBe(url);
    expect(await (await server.fetch("/")).json()).toMatchObject({ count: 2 });
  });

  it("[V1] rejects with the place in the user's code", async () => {
    using project = new CliProject({ "package.json": "{}", "src/app.ts": 'export const a = 1;\nthrow new Error("not today");\n' });
    await expect(serve(`${project.root}/src/app.ts:a`)).rejects.toThrow("src/app.ts:2:7  Error: not today");
    // The process that was started for it ends too, which is no error that nobody handles.
    await expect(serve(`${project.root}/src/app.ts:a`, { args: { make: () => 1 } })).rejects.toThrow("could not be cloned");
    expect(project.read("wrangler.toml")).toBeUndefined();
  });

  it("serves the project that init writes", async () => {
    using project = new CliProject();
    await project.run(["init"]);
    await using server = await serve(`${project.root}/src/app.ts:app`);
    expect(await (await server.fetch("/")).text()).toBe("Hello world!");
  });
});

describe("edge-serve run", () => {
  it("serves, reloads on change, goes on after a failed build, and ends when it is told to", async () => {
    using project = new CliProject({ "src/app.ts": HELLO_APP });
    const end = new AbortController();
    const waiting: { text: string; resolve: (said: string) => void }[] = [];
    const says = (text: string) => new Promise<string>((resolve) => waiting.push({ text, resolve }));
    const onTalk = (said: string) => waiting.filter(({ text }) => said.includes(text)).forEach(({ resolve }) => resolve(said));

    const serving = says("\n  /  default  Hello x1, World x2, Ingress x1\n");
    const result = project.run(["run", "src/app.ts:app", "--port", "0"], { signal: end.signal, onTalk });
    const url = /at (\S+)/.exec(await serving)?.[1] ?? "";
    expect(await (await fetch(url)).text()).toBe("Hello world!");

    const reloaded = says("Reloaded");
    project.write("src/app.ts", HELLO_APP.replace('"Hello"', '"Bye"'));
    await reloaded;
    expect(await (await fetch(url)).text()).toBe("Bye world!");

    const failed = says("Still serving");
    project.write("src/app.ts", "export const = 1;");
    expect(await failed).toContain('src/app.ts:1:14  Expected identifier but found "="');
    expect(await (await fetch(url)).text()).toBe("Bye world!");

    end.abort();
    expect((await result).exitCode).toBe(0);
    await expect(fetch(url)).rejects.toThrow();
    expect(project.read("wrangler.toml")).toBeUndefined();
  });
});
