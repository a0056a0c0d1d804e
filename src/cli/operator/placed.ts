import { readFileSync } from "node:fs";
import type { Diagnostic } from "../../config/diagnostics.ts";
import { configPosition } from "../../config/parse-file.ts";

const STEP = /\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]|\.?([A-Za-z_$][\w$-]*)/g;

/** Diagnostics that were made far away, with their places in the file that the document came from. */
export function placed(diagnostics: readonly Diagnostic[], file: string, label: string): Diagnostic[] {
  const text = readFileSync(file, "utf8");
  return diagnostics.map((diagnostic) => {
    const [, line = "1", column = "1"] = /:(\d+):(\d+)$/.exec(configPosition(text, label, segmentsOf(diagnostic.path))) ?? [];
    return { ...diagnostic, file: label, line: Number(line), column: Number(column) };
  });
}

/** `applications[0].name` as `["applications", 0, "name"]`. */
export function segmentsOf(path: string): (string | number)[] {
  return [...path.matchAll(STEP)].map(([, index, quoted, plain]) => {
    if (index !== undefined) return Number(index);
    return quoted === undefined ? plain! : (JSON.parse(quoted) as string);
  });
}
