/**
 * What errors say about a value or a name that was given: cut to what a person reads, whatever it is.
 */

/** A value as it reads in an error, cut to a length that a terminal shows. */
export function show(value: unknown): string {
  if (typeof value === "function") return "a function";
  if (typeof value === "number" || typeof value === "bigint" || value === undefined) return String(value);
  let text: string | undefined;
  try {
    text = beginningOf(value);
  } catch {
    // Circular, or holds a bigint: the type has to do.
  }
  text ??= `a value of type ${typeof value}`;
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN - 3)}...` : text;
}

/** How much of a value is shown, in characters. */
const MAX_SHOWN = 80;
/** How much of it is written, so that at least {@link MAX_SHOWN} characters of it are right. */
const MAX_WRITTEN = 3 * MAX_SHOWN;

// Not all of its JSON: what is shared is written again each time, so a small value may have more than fits into memory.
function beginningOf(value: unknown): string | undefined {
  let left = MAX_WRITTEN;
  return JSON.stringify(value, (key, member: unknown) => {
    left -= key.length + 1;
    if (left < 0) return undefined;
    const isLong = (typeof member === "string" || Array.isArray(member)) && member.length > MAX_WRITTEN;
    return isLong ? member.slice(0, MAX_WRITTEN) : member;
  });
}

/** Longer than any name that could be meant, and what is compared costs time by its length. */
const MAX_TYPED = 100;

/** The candidate nearest to what was typed, if one is near enough to be meant. */
export function closest(typed: string, candidates: readonly string[]): string | undefined {
  if (typed.length > MAX_TYPED) return undefined;
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(typed.length / 2)) + 1;
  for (const candidate of candidates) {
    const isPart = candidate.toLowerCase().includes(typed.toLowerCase()) && typed.length > 2;
    const distance = isPart ? 1 : editDistance(typed.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}
