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
