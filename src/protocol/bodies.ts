/**
 * Where in a value there is something that is read, not copied.
 */
import { isScalar } from "./plain-data.ts";
import { isError, isOfPlatform } from "./strangers.ts";

const BODIES: readonly string[] = ["Request", "Response", "ReadableStream", "Blob"];

/** The bodies, streams and blobs in a value, wherever they are. */
export function bodiesIn(root: unknown): Set<object> {
  const bodies = new Set<object>();
  if (isScalar(root)) return bodies;
  const seen = new Set<unknown>([root]);
  // A set goes on with what is added while it is gone through.
  for (const value of seen) {
    if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) continue;
    if (isOfPlatform(value, BODIES) !== undefined) bodies.add(value);
    else for (const member of membersOf(value)) if (!isScalar(member)) seen.add(member);
  }
  return bodies;
}

function membersOf(value: object): Iterable<unknown> {
  if (value instanceof Map) return [...value.keys(), ...value.values()];
  // Of an error no bodies are kept.
  return value instanceof Set ? value : isError(value) ? [] : Object.values(value);
}
