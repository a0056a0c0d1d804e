/** A page that several programs write: each its own part, between markers, and nothing else. */
import { readFileSync, writeFileSync } from "node:fs";

/**
 * Replaces one part of `page`.
 *
 * @param program The part's name: the npm script that writes it.
 * @returns The page with the part; what is around it is as it was.
 * @throws Error if the page has no such part.
 */
export function withPart(page: string, program: string, text: string): string {
  const [begin, end] = [`<!-- Begin: written by npm run ${program}. Do not edit. -->`, `<!-- End: npm run ${program}. -->`];
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from === -1 || to < from) throw new Error(`The page has no part of npm run ${program}: put ${begin} and ${end} where it belongs.`);
  return `${page.slice(0, from)}${begin}\n\n${text.trim()}\n\n${page.slice(to)}`;
}

/**
 * Writes a program's part of a page.
 *
 * @param page The page's file, relative to the repository.
 */
export function writePart(program: string, text: string, page = "docs/benchmarks.md"): void {
  const url = new URL(`../${page}`, import.meta.url);
  writeFileSync(url, withPart(readFileSync(url, "utf8"), program, text));
}
