/**
 * Records with a null prototype, as `Object.groupBy` makes: structured clone carries them, and the platform does not.
 */

/** A copy in which no record has a null prototype. What is shared or circular in `value` is so in the copy. */
export function withPrototypes(value: unknown, copies: Map<object, unknown>): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (copies.has(value)) return copies.get(value);
  const proto: unknown = Object.getPrototypeOf(value);
  const inside = (item: unknown) => withPrototypes(item, copies);
  const begun = <T>(copy: T): T => {
    copies.set(value, copy);
    return copy;
  };
  if (proto === Map.prototype) {
    const copy = begun(new Map<unknown, unknown>());
    for (const [key, item] of value as Map<unknown, unknown>) copy.set(inside(key), inside(item));
    return copy;
  }
  if (proto === Set.prototype) {
    const copy = begun(new Set<unknown>());
    for (const item of value as Set<unknown>) copy.add(inside(item));
    return copy;
  }
  const isArray = proto === Array.prototype;
  if (!isArray && proto !== Object.prototype && proto !== null) return value;
  const copy = begun<object>(isArray ? Object.assign([], { length: (value as unknown[]).length }) : {});
  for (const [key, item] of Object.entries(value)) {
    // Not assigned: a key "__proto__" would set the prototype.
    Object.defineProperty(copy, key, { value: inside(item), enumerable: true, configurable: true, writable: true });
  }
  return copy;
}
