import { describe, expect, it } from "vitest";
import { lineForPeople } from "../../../src/cli/runtime/log-record.ts";
import { OWN_ROOT } from "../../../src/cli/project/own-package.ts";

const AT = new Date(2026, 10, 28, 9, 5, 7, 42).getTime();
const shown = (message: string | object, level = "log") =>
  lineForPeople({ timestamp: AT, level, message: typeof message === "string" ? message : JSON.stringify(message) }, { hasColors: false });
const OF = { app: "news", deployment: "Rank", replica: "news/Rank/-/2.0", requestId: "r1", route: "/news", traceId: "t", spanId: "s" };

describe("a line of the log for people", () => {
  it.each<[name: string, line: string | object, level: string, expected: string]>([
    ["of the console", "plain", "log", "09:05:07.042 INFO    plain"],
    ["of the console, as a warning", "careful", "warn", "09:05:07.042 WARNING careful"],
    ["of a replica", { level: "DEBUG", message: "m", ...OF }, "debug", "09:05:07.042 DEBUG   news/Rank#2 m"],
    [
      "of a replica that was replaced",
      { level: "INFO", message: "m", ...OF, replica: "news/Rank/weur/2.1" },
      "log",
      "09:05:07.042 INFO    news/Rank#2.1 m",
    ],
    ["of the control plane", { level: "INFO", message: "m", app: "news" }, "log", "09:05:07.042 INFO    news m"],
    [
      "with fields",
      { level: "INFO", message: "m", ...OF, n: 1, text: "a b", word: "ab", empty: "", list: [1], nothing: null, "fields.app": "x" },
      "log",
      '09:05:07.042 INFO    news/Rank#2 m n=1 text="a b" word=ab empty="" list=[1] nothing=null fields.app=x',
    ],
    [
      "of the access log",
      { level: "INFO", message: "GET /news 200 3ms", ...OF, method: "GET", path: "/news/today", status: 200, durationMs: 3, shadow: true },
      "log",
      "09:05:07.042 INFO    news/Rank#2 GET /news/today 200 3ms shadow=true",
    ],
    [
      "with fields that are called as the access log's",
      { level: "INFO", message: "m", ...OF, method: "GET", path: "/p", status: 200 },
      "log",
      "09:05:07.042 INFO    news/Rank#2 m method=GET path=/p status=200",
    ],
    [
      "with an error, of which the frames of the user's files are left",
      {
        level: "ERROR",
        message: "no",
        ...OF,
        error: `TypeError: no\n    at Rank.call (src/app.ts:6:11)\n    at #run (${OWN_ROOT}/dist/src/replica/replica.js:1:2)\n    at async node:internal/x:1:2\n    at f (node_modules/hono/a.js:1:2)\ncaused by: Error: why\n    at async load (/elsewhere/lib.ts:2:3)`,
      },
      "error",
      "09:05:07.042 ERROR   news/Rank#2 TypeError: no requestId=r1\n    at Rank.call (src/app.ts:6:11)\ncaused by: Error: why\n    at async load (/elsewhere/lib.ts:2:3)",
    ],
    [
      "with an error that never went through the user's files",
      { level: "WARNING", message: "no", ...OF, error: "Error: no\n    at f (node_modules/hono/a.js:1:2)" },
      "warn",
      "09:05:07.042 WARNING news/Rank#2 Error: no requestId=r1\n    at f (node_modules/hono/a.js:1:2)",
    ],
    [
      "with a message beside the error",
      { level: "ERROR", message: "while sorting", ...OF, error: "Error: no" },
      "error",
      "09:05:07.042 ERROR   news/Rank#2 while sorting requestId=r1\nError: no",
    ],
    ["that only begins like an object", "{ not json", "log", "09:05:07.042 INFO    { not json"],
    ["that is JSON and no line of ours", '{"a":1}', "log", '09:05:07.042 INFO    {"a":1}'],
  ])("%s", (_, line, level, expected) => {
    expect(shown(line, level)).toBe(expected);
  });

  it("has colours where the terminal has them, and the same text", () => {
    const line = { timestamp: AT, level: "error", message: JSON.stringify({ level: "ERROR", message: "m", ...OF, n: 1 }) };
    const coloured = lineForPeople(line, { hasColors: true });
    expect(coloured).toContain("\u001B[31mERROR");
    // eslint-disable-next-line no-control-regex
    expect(coloured.replaceAll(/\u001B\[\d+m/g, "")).toBe(lineForPeople(line, { hasColors: false }));
  });
});
