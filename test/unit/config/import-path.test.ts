import { describe, expect, it } from "vitest";
import { parseImportPath } from "../../../src/config/import-path.ts";

const FORM = 'Write "<module>:<export>", such as "src/app.ts:app", or "<module>" for its default export.';

describe("parseImportPath", () => {
  it.each([
    ["src/app.ts:app", "src/app.ts", "app"],
    ["./app:app", "./app", "app"],
    ["app", "app", "default"],
    ["src/app.ts", "src/app.ts", "default"],
    ["src/app.ts:default", "src/app.ts", "default"],
    ["/srv/app.ts:app", "/srv/app.ts", "app"],
    ["/srv/app.ts", "/srv/app.ts", "default"],
    ["C:\\work\\app.ts:app", "C:\\work\\app.ts", "app"],
    ["C:/srv/app.ts", "C:/srv/app.ts", "default"],
    ["c:app", "c", "app"],
    ["my app.ts:$app_1", "my app.ts", "$app_1"],
    ["../a.ts:größe", "../a.ts", "größe"],
  ])("splits %j into %j and %j", (text, module, exportName) => {
    expect(parseImportPath(text)).toEqual({ module, exportName });
  });

  it.each([
    ["a:b:c", "must have at most one colon"],
    ["C:/a.ts:b:c", "must have at most one colon"],
    [":app", "must name a module before the colon"],
    ["app.ts:", "must name an export after the colon"],
    [":", "must name a module before the colon"],
    ["", "must name a module"],
    ["  ", "must name a module"],
    ["app.ts:a.b", "must have the name of one export after the colon"],
    ["app.ts: app", "must have the name of one export after the colon"],
  ])("refuses %j: it %s", (text, rule) => {
    expect(parseImportPath(text)).toEqual({ problem: `${rule}, got ${JSON.stringify(text)}. ${FORM}` });
  });
});
