import { expect } from "vitest";

/**
 * Expects a message to mention names, paths and values, each as a word of its own. How the sentence goes is left to whoever writes it.
 */
export function expectMentions(message: string | undefined, ...mentioned: readonly string[]): void {
  for (const one of mentioned) expect(message).toMatch(new RegExp(`(?<![\\w-])${RegExp.escape(one)}(?![\\w-])`));
}
