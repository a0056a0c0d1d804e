import { describe, expect, it } from "vitest";
import { describeMain } from "../../../src/compile/describe-main.ts";

class WorkerEntrypoint {
  readonly env = {};
}

describe("a main's default export", () => {
  const handle = async () => new Response();
  class Main {
    fetch() {}
  }

  it.each<[string, unknown, string]>([
    ["a function", handle, "a function.*export default { fetch: handle };"],
    [
      "a function without a name",
      (
        () => () =>
          1
      )(),
      "a function.*export default { fetch\\(request, env, ctx\\)",
    ],
    ["a class that is no entrypoint", Main, "class Main extends WorkerEntrypoint, .*cloudflare:workers"],
    ["a promise", Promise.resolve({}), "a promise.*export default await"],
    ["a text", "a Worker", '"a Worker".*fetch\\(request, env, ctx\\)'],
    ["null", null, "null.*fetch\\(request, env, ctx\\)"],
    ["an array", [{}], "\\[\\{\\}\\].*fetch\\(request, env, ctx\\)"],
  ])("that is no Worker is a problem, with what to write: %s", (_, own, says) => {
    expect(describeMain(own, WorkerEntrypoint)).toEqual({ hasFetch: false, problem: expect.stringMatching(says) });
  });

  it.each<[string, unknown, boolean]>([
    ["nothing", undefined, false],
    ["an object without handlers", {}, false],
    ["an object with fetch", { fetch: handle }, true],
    [
      "an instance of a class",
      new (class {
        fetch() {}
      })(),
      true,
    ],
    ["an entrypoint without fetch", class extends WorkerEntrypoint {}, false],
    [
      "an entrypoint of an entrypoint",
      class extends class extends WorkerEntrypoint {
        fetch() {}
      } {},
      true,
    ],
  ])("may be %s", (_, own, hasFetch) => {
    expect(describeMain(own, WorkerEntrypoint)).toEqual({ hasFetch });
  });
});
