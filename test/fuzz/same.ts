/**
 * Whether two graphs are the same, sharing and cycles included, as far as structured clone keeps them.
 *
 * Without recursion, and each pair of objects once: it is asked about graphs that were made to be hard on readers.
 */

/** Where two graphs differ, in a few words; `undefined` if they don't. Neither may run code when it is read. */
export function difference(a: unknown, b: unknown): string | undefined {
  const pairs: [unknown, unknown][] = [[a, b]];
  const partners = new Map<object, object>();
  for (let pair = pairs.pop(); pair !== undefined; pair = pairs.pop()) {
    const [one, other] = pair;
    if (typeof one !== "object" || one === null || typeof other !== "object" || other === null) {
      if (!Object.is(one, other)) return `${typeof one} against ${typeof other}`;
      continue;
    }
    const partner = partners.get(one);
    if (partner !== undefined) {
      if (partner !== other) return "an object that is shared in one only";
      continue;
    }
    partners.set(one, other);
    const found = shallow(one, other) ?? membersInto(pairs, one, other);
    if (found !== undefined) return found;
  }
  return undefined;
}

const tagOf = (value: object): string => Object.prototype.toString.call(value).slice(8, -1);

function shallow(a: object, b: object): string | undefined {
  const tag = tagOf(a);
  if (tag !== tagOf(b)) return `${tag} against ${tagOf(b)}`;
  if (tag === "Date" || tag === "Number" || tag === "String" || tag === "Boolean" || tag === "BigInt")
    return Object.is(a.valueOf(), b.valueOf()) ? undefined : `another ${tag}`;
  if (tag === "RegExp") return String(a) === String(b) ? undefined : "another RegExp";
  if (a instanceof Error && b instanceof Error)
    return a.name === b.name && a.message === b.message ? undefined : `another error: ${b.name} against ${a.name}`;
  const [bytesA, bytesB] = [bytesOf(a), bytesOf(b)];
  if (bytesA === undefined || bytesB === undefined) return undefined;
  const isSame = bytesA.length === bytesB.length && bytesA.every((byte, at) => byte === bytesB[at]);
  return isSame ? undefined : `another ${tag}`;
}

function bytesOf(value: object): Uint8Array | undefined {
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  return ArrayBuffer.isView(value) ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength) : undefined;
}

function membersInto(pairs: [unknown, unknown][], a: object, b: object): string | undefined {
  if (a instanceof Error) return undefined;
  if (ArrayBuffer.isView(a) || a instanceof ArrayBuffer) return undefined;
  if (a instanceof Map && b instanceof Map) return listsInto(pairs, [...a].flat(), [...b].flat());
  if (a instanceof Set && b instanceof Set) return listsInto(pairs, [...a], [...b]);
  if (Array.isArray(a) && a.length !== (b as unknown[]).length) return "another length";
  const [keysA, keysB] = [Object.keys(a), Object.keys(b)];
  if (keysA.length !== keysB.length || keysA.some((key, at) => key !== keysB[at])) return "other keys";
  for (const key of keysA) pairs.push([(a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]]);
  return undefined;
}

function listsInto(pairs: [unknown, unknown][], a: readonly unknown[], b: readonly unknown[]): string | undefined {
  if (a.length !== b.length) return "another size";
  for (const [at, item] of a.entries()) pairs.push([item, b[at]]);
  return undefined;
}
