import { describe, expect, it } from "vitest";
import { type Diagnostic, formatDiagnostics, formatPath, hasErrors } from "../../../src/config/diagnostics.ts";

const at = (severity: Diagnostic["severity"], line: number, message: string): Diagnostic => ({
  severity,
  path: "",
  message,
  file: "serve.yaml",
  line,
  column: 5,
});

describe("formatDiagnostics", () => {
  it("puts errors first, then goes by line, one a line", () => {
    const text = formatDiagnostics([at("warning", 1, "W."), at("error", 9, "B."), at("error", 2, "A.")]);
    expect(text).toBe("serve.yaml:2:5  A.\nserve.yaml:9:5  B.\nserve.yaml:1:5  warning: W.");
  });

  it("leaves the place out where there is none", () => {
    expect(formatDiagnostics([{ severity: "error", path: "a", message: "a must be 1, got 2." }])).toBe("a must be 1, got 2.");
  });

  it("is empty for no diagnostics", () => {
    expect(formatDiagnostics([])).toBe("");
  });
});

describe("hasErrors", () => {
  it("does not count warnings", () => {
    expect(hasErrors([at("warning", 1, "W.")])).toBe(false);
    expect(hasErrors([at("warning", 1, "W."), at("error", 1, "E.")])).toBe(true);
  });
});

describe("formatPath", () => {
  it.each([
    [[], ""],
    [["applications", 0, "deployments", 1, "name"], "applications[0].deployments[1].name"],
    [["applications", 0, "a b"], 'applications[0]["a b"]'],
    [["1st"], '["1st"]'],
  ])("writes %j as %j", (segments, path) => {
    expect(formatPath(segments)).toBe(path);
  });
});
