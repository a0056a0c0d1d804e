/**
 * Another Worker of the account, over a service binding: contract section 9, two Workers in one workerd.
 */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CliProject } from "../support/cli-project.ts";
import type { ProcessGroup } from "../support/process-group.ts";
import { wrangler } from "../support/shop.ts";

const APP = readFileSync("test/e2e/apps/another-worker.ts", "utf8");
const CALLER = readFileSync("test/e2e/apps/another-worker-caller.ts", "utf8");

const binding = (name: string, props?: object) => ({
  binding: name,
  service: "my-system",
  entrypoint: "EdgeServe",
  ...(props === undefined ? {} : { props }),
});
const application = (name: string, more = "") =>
  `  - name: ${name}\n    route_prefix: null\n    import_path: src/another-worker.ts:app\n${more}`;

// No flag that a Worker needs for anything of Node's.
const CALLER_CONFIG = JSON.stringify({
  name: "caller",
  main: "../src/another-worker-caller.ts",
  compatibility_date: "2026-11-01",
  durable_objects: { bindings: [{ name: "SEEN", class_name: "Seen" }] },
  migrations: [{ tag: "v1", new_sqlite_classes: ["Seen"] }],
  services: [
    binding("SHOP"),
    binding("LIMITED", { applications: ["main"] }),
    binding("CLOSED", { applications: ["main", "closed"] }),
    binding("NONE", { applications: [] }),
    binding("MISSPELLED", { application: ["main"] }),
    binding("NO_LIST", { applications: "main" }),
    { binding: "PLAIN", service: "my-system" },
  ],
});
const TWO_WORKERS = ["dev", "-c", "caller/wrangler.json", "-c", "wrangler.edge-serve.json", "--port", "0"];
const READY = /Ready on (http:\/\/\S+)/;

const project = new CliProject({
  "wrangler.json": JSON.stringify({ name: "my-system", compatibility_date: "2026-11-01" }),
  "serve.yaml": `applications:\n${application("main", "    rpc: true\n")}${application("second", "    rpc: true\n")}${application("closed")}`,
  "src/another-worker.ts": APP,
  "src/another-worker-caller.ts": CALLER,
  "caller/wrangler.json": CALLER_CONFIG,
});
project.install("edge-serve", "wrangler");
afterAll(() => project[Symbol.dispose]());

let dev: ProcessGroup;
let url = "";
beforeAll(async () => {
  expect(await project.run(["build"])).toMatchObject({ exitCode: 0 });
  dev = wrangler(project, TWO_WORKERS);
  [, url = ""] = await dev.says(READY);
}, 120_000);
afterAll(() => dev?.[Symbol.asyncDispose]());

const get = async (act: string, id = ""): Promise<unknown> => (await fetch(`${url}/${[act, id].map(encodeURIComponent).join("/")}`)).json();

describe("connect() over a service binding", () => {
  it.each<[string, unknown]>([
    ["default", "hello Ada"],
    ["nothing", "undefined"],
    ["values", [["1"], "1970-01-01T00:00:00.000Z", [1, 2], true, true, { x: 1 }]],
    ["error as a value", expect.objectContaining({ message: "carried", classes: ["Error", "RangeError"] })],
    ["a response", "awaited there"],
    [
      "options",
      { requestId: "mine.1", traceparent: expect.stringMatching(/^00-0af7651916cd43dd8448eb211c80319c-/), multiplexedModelId: "m" },
    ],
    ["keyed", 1],
    ["broadcast", ["main/Front/-/0.0", "main/Front/-/1.0"]],
    ["in an object", 20],
  ])("carries arguments, results and options: %s", async (act, result) => {
    expect(await get(act)).toEqual(result);
  });

  it.each<[string, unknown]>([
    ["bytes in", "abc"],
    ["text in", "ab"],
    ["request in", ["PUT", "1", "body"]],
    ["both ways", ["ONE", "TWO", true]],
    ["bytes out", "01234"],
    ["nested bytes", "nested"],
    ["response", [201, "1", "a body"]],
    ["generator", { seen: Array.from({ length: 1000 }, (_, n) => n) }],
    ["broken generator", { seen: [1], error: expect.objectContaining({ name: "OddError", value: 1 }) }],
  ])("streams: %s", async (act, result) => {
    expect(await get(act)).toEqual(result);
  });

  it.each<[string, object]>([
    [
      "fail",
      {
        name: "OddError",
        message: "5 is odd",
        classes: ["Error", "RangeError"],
        value: 5,
        stack: expect.stringMatching(/at .*fail [^]*-- in the replica:\n.*Front\.fail/),
        cause: { name: "TypeError", message: "the cause", classes: ["Error", "TypeError"], cause: { code: 7 } },
      },
    ],
    ["deep", { name: "OddError", value: 3, stack: expect.stringMatching(/Inner\.fail/), cause: { name: "TypeError" } }],
    ["no method", { code: "METHOD_NOT_FOUND", classes: ["Error", "ServeError", "MethodNotFoundError"] }],
    ["unsent", { code: "SERIALIZATION", message: expect.stringMatching(/Argument 1 .*function at \.a\[0\]/) }],
    ["a handle", { code: "SERIALIZATION", message: expect.stringMatching(/Argument 1 .* is a handle, .* getAppHandle\(\)/) }],
    ["large", { code: "SERIALIZATION", message: expect.stringContaining("32 MiB") }],
    ["objects in", { code: "SERIALIZATION", message: expect.stringMatching(/Argument 1 .*gave an object/) }],
    ["objects out", { code: "SERIALIZATION", message: expect.stringMatching(/result of "Front\.wrongStream" .*gave an object/) }],
  ])("fails as a handle does: %s", async (act, error) => {
    expect(await get(act)).toMatchObject(error);
  });

  it("throws what is no error as it is", async () => {
    expect(await get("text")).toBe("just text");
  });

  it.each([
    ["cancel", "REQUEST_CANCELLED", "RequestCancelledError"],
    ["abort", "REQUEST_CANCELLED", "RequestCancelledError"],
  ])("stops what runs: %s", async (act, code, reason) => {
    const answer = get(act, act);
    await dev.says(new RegExp(`held ${act}"`));
    await get("tell", act);
    expect(await answer).toMatchObject({ code });
    await dev.says(new RegExp(`let go ${act} ${reason}"`));
  });

  it("stops what runs when its deadline has passed", async () => {
    const answer = get("deadline", "deadline");
    await dev.says(/held deadline"/);
    expect(await answer).toMatchObject({
      code: "REQUEST_TIMEOUT",
      classes: expect.arrayContaining(["RequestTimeoutError"]),
    });
    // Whichever the replica hears of first: its own clock, or that nobody waits any more.
    await dev.says(/let go deadline Request(?:Timeout|Cancelled)Error"/);
  });

  it.each<[string, RegExp]>([
    ["gone", /let go gone RequestCancelledError"/],
    ["gone stream", /stopped gone stream"/],
  ])("stops what runs when its caller is gone: %s", async (act, stopped) => {
    const answer = get(act, act);
    await dev.says(new RegExp(`(held|begun) ${act}"`));
    await get("die", act);
    expect(await answer).toMatchObject({ uncaught: { message: "gone" } });
    await dev.says(stopped);
  });

  it.each<[string, unknown]>([
    ["left loop", 3],
    ["cancelled stream", true],
    ["late stream", [true, "REQUEST_TIMEOUT"]],
  ])("stops the generator, whose finally runs: %s", async (act, result) => {
    expect(await get(act, act)).toEqual(result);
    await dev.says(new RegExp(`stopped ${act}"`));
  });

  it("enqueues tasks, and asks for them", async () => {
    expect(await get("task")).toEqual(["later", "SUCCEEDED"]);
  });

  it.each<[string, object]>([
    ["limited, allowed", { value: "hello Bob" }],
    ["limited, refused", { code: "DEPLOYMENT_UNAVAILABLE", message: expect.stringMatching(/"second".*props allow main/) }],
    ["limited, closed", { code: "DEPLOYMENT_UNAVAILABLE", message: expect.stringMatching(/"closed".*rpc: true/) }],
    ["limited to none", { code: "DEPLOYMENT_UNAVAILABLE", message: expect.stringMatching(/props allow none/) }],
    ["limited, tasks", { code: "DEPLOYMENT_UNAVAILABLE", message: expect.stringMatching(/"second".*props allow main/) }],
    ["misspelled", { code: "CONFIG", message: expect.stringMatching(/props .*"application".*applications/) }],
    ["no list", { code: "CONFIG", message: expect.stringMatching(/props .*applications .*"main"/) }],
    ["closed", { code: "DEPLOYMENT_UNAVAILABLE", message: expect.stringMatching(/"closed".*rpc: true/) }],
    ["nowhere", { code: "DEPLOYMENT_UNAVAILABLE", message: expect.stringMatching(/"constructor".*rpc: true/) }],
    ["enqueued nowhere", { code: "DEPLOYMENT_UNAVAILABLE", message: expect.stringMatching(/"nowhere".*rpc: true/) }],
    ["other's task", { code: "TASK_NOT_FOUND" }],
    ["no entrypoint", { code: "DEPLOYMENT_UNAVAILABLE", message: expect.stringContaining('entrypoint = "EdgeServe"') }],
    ["no binding", { name: "TypeError", message: expect.stringContaining("got undefined") }],
    // Another deployment of the application, and what is no call.
    ["by hand", ["Inner", "CONFIG", "CONFIG", "DEPLOYMENT_UNAVAILABLE"]],
  ])("reaches what its binding opens, and nothing else: %s", async (act, result) => {
    expect(await get(act)).toMatchObject(result);
  });
});

it("a system in which no application says rpc: true refuses other Workers, and says why", async () => {
  using closed = new CliProject({
    "wrangler.json": JSON.stringify({ name: "my-system", compatibility_date: "2026-11-01" }),
    "src/another-worker.ts": APP,
    "src/another-worker-caller.ts": CALLER,
    "caller/wrangler.json": CALLER_CONFIG,
  });
  closed.install("edge-serve", "wrangler");
  expect(await closed.run(["build", "src/another-worker.ts:app"])).toMatchObject({ exitCode: 0 });
  await using both = wrangler(closed, TWO_WORKERS);
  const [, at = ""] = await both.says(READY);
  expect(await (await fetch(`${at}/nowhere`)).json()).toMatchObject({
    code: "DEPLOYMENT_UNAVAILABLE",
    message: expect.stringContaining("rpc: true"),
  });
});
