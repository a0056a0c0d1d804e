/** What is said of something that user code has thrown, in a message that is stored and sent. */

/** A message is kept with the state of the control plane, where there is little room. */
const MAX_LENGTH = 4096;

/** What was thrown, in at most a few lines, whatever it is. Never throws. */
export function thrownText(error: unknown): string {
  try {
    return shortened(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
  } catch {
    // A getter, a proxy, a `toString` of the application's that throws in turn, or none at all.
    return "something that cannot be shown as text";
  }
}

/** A text, cut where it is too long to be kept. */
export function shortened(text: string): string {
  return text.length <= MAX_LENGTH ? text : `${text.slice(0, MAX_LENGTH)}... (${text.length} characters)`;
}

/** How many causes below an error are shown. */
const MOST_CAUSES = 8;

/** The stack of what was thrown, and those of its causes, for a log line. Never throws. */
export function stackText(error: unknown): string {
  const texts: string[] = [];
  const seen = new Set<unknown>();
  let thrown = error;
  while (thrown !== undefined && !seen.has(thrown) && seen.size <= MOST_CAUSES) {
    seen.add(thrown);
    const { stack, cause } = partsOf(thrown);
    // Where it was thrown is at the end.
    texts.push(stack.length <= MAX_LENGTH ? stack : `${stack.slice(0, MAX_LENGTH / 2)}...\n...${stack.slice(-MAX_LENGTH / 2)}`);
    thrown = cause;
  }
  return texts.join("\nCaused by: ");
}

function partsOf(thrown: unknown): { readonly stack: string; readonly cause?: unknown } {
  try {
    if (!(thrown instanceof Error)) return { stack: thrownText(thrown) };
    const { stack, cause } = thrown;
    return { stack: typeof stack === "string" ? stack : thrownText(thrown), cause };
  } catch {
    return { stack: thrownText(thrown) };
  }
}

/**
 * What user code has returned where it should not, in a few words; never throws. A promise is named as such, and is nobody's
 * any more: what it rejects with is handled.
 */
export function returnedText(value: unknown): string {
  if (value instanceof Promise) {
    value.catch(() => {});
    return "a promise";
  }
  if (typeof value === "string") return JSON.stringify(value.slice(0, 80));
  if (typeof value === "function") return "a function";
  if (typeof value !== "object" || value === null) return String(value);
  return Array.isArray(value) ? "an array" : "an object";
}
