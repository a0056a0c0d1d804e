/**
 * What errors say about a value or a name that was given: cut to what a person reads, whatever it is.
 */

/** As much as a line of a terminal shows. */
const MAX_SHOWN = 80;

/**
 * A value as it reads in an error, cut to what a person reads. Takes time by what is shown, not by what the value holds. What is no
 * JSON is named by its kind: `a function`, `a Map`.
 */
export function show(value: unknown): string {
  let text: string;
  try {
    text = textOf(value, MAX_SHOWN + 1);
  } catch {
    // A getter or a proxy that throws: the type has to do.
    text = `a value of type ${typeof value}`;
  }
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN - 3)}...` : text;
}

/** What `value` reads as; where that is longer than `room`, a beginning of it that is. */
function textOf(value: unknown, room: number): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, Math.max(room, 0)));
  if (typeof value === "function") return "a function";
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value !== "object" || value === null) return String(value);
  const isArray = Array.isArray(value);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (!isArray && prototype !== Object.prototype && prototype !== null) return kindOf(value);
  let text = isArray ? "[" : "{";
  // Each level takes at least one character, so that a circular value ends too.
  for (const key of isArray ? value.keys() : Object.keys(value)) {
    if (text.length > room) break;
    if (text.length > 1) text += ",";
    if (!isArray) text += `${textOf(key, room)}:`;
    text += textOf((value as Readonly<Record<string | number, unknown>>)[key], room - text.length);
  }
  return text + (isArray ? "]" : "}");
}

function kindOf(instance: object): string {
  const { name } = (instance.constructor ?? {}) as { readonly name?: unknown };
  if (typeof name !== "string" || name === "") return "an object";
  return `${/^[aeiou]/i.test(name) ? "an" : "a"} ${name}`;
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
