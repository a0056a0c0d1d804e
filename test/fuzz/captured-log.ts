/** What is written to the console while something runs, instead of writing it. */

const METHODS = ["debug", "log", "info", "warn", "error"] as const;

/** The lines that `act` wrote. What it throws is thrown. */
export function captured(act: () => void): string[] {
  const lines: string[] = [];
  const before = METHODS.map((method) => [method, console[method]] as const);
  for (const method of METHODS)
    console[method] = (...parts: unknown[]) => void lines.push(parts.length === 1 ? String(parts[0]) : "(several)");
  try {
    act();
    return lines;
  } finally {
    for (const [method, original] of before) console[method] = original;
  }
}
