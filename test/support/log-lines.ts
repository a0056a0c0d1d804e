/** The lines that the framework logs, for tests in this process. */
import { afterEach, beforeEach, vi } from "vitest";

/** A line, as far as tests look at it. */
export interface Line {
  readonly level: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

/** Collects what is logged during each test of the file, instead of printing it. */
export function recordLog(): { lines(level?: string): Line[] } {
  let lines: Line[] = [];
  beforeEach(() => {
    lines = [];
    for (const method of ["log", "warn", "error"] as const) {
      vi.spyOn(console, method).mockImplementation((text: unknown) => void lines.push(JSON.parse(String(text)) as Line));
    }
  });
  afterEach(() => void vi.restoreAllMocks());
  return { lines: (level) => lines.filter((line) => level === undefined || line.level === level) };
}
