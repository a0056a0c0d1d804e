/**
 * A fault of the machine's own JSON.parse, which no claim about the product can hold against it.
 */
import { runInNewContext } from "node:vm";

/**
 * Whether this process reads a JSON text wrongly. V8 13.6, which Node 24 has, does: once an object with the keys `a` and `\` was
 * read, it reads `{"a":1,"\n":2}` with the key `\` too. What it remembers of keys belongs to a context, so a new one reads the
 * text as it is. The V8 of workerd is newer and reads it right.
 */
export function isMisread(text: string): boolean {
  const read = runInNewContext("JSON.parse") as typeof JSON.parse;
  return JSON.stringify(JSON.parse(text)) !== JSON.stringify(read(text));
}
