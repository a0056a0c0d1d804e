/**
 * Values as text, to be compared wherever they have arrived. Also runs in workerd.
 */

/** What a value is, as text: equal for what arrived equal, whichever way it took. */
export function shown(value: unknown, depth = 0): string {
  if (typeof value !== "object" || value === null) return typeof value === "string" ? JSON.stringify(value) : String(value);
  if (depth > 4) return "...";
  const inside = (each: unknown) => shown(each, depth + 1);
  if (value instanceof Error) {
    const { name, message, cause, errors } = value as AggregateError;
    // The platforms do not agree on which of a DOMException's own members are enumerable.
    const apart = ["cause", "errors", "name", "stack", "message", ...(value instanceof DOMException ? ["code"] : [])];
    const own = Object.keys(value).filter((key) => !apart.includes(key));
    const props = own.map((key) => `${key}=${inside((value as unknown as Record<string, unknown>)[key])}`);
    const rest = [
      ...(cause === undefined ? [] : [`cause=${inside(cause)}`]),
      ...(errors === undefined ? [] : [`errors=${inside(errors)}`]),
    ];
    return `${name}(${[JSON.stringify(message), ...props, ...rest].join(", ")})`;
  }
  if (value instanceof Map) return `Map(${[...value].map(([key, item]) => `${inside(key)}=>${inside(item)}`).join(", ")})`;
  if (value instanceof Set) return `Set(${[...value].map(inside).join(", ")})`;
  if (Array.isArray(value))
    return `[${Object.keys(value)
      .map((key) => `${key}:${inside((value as unknown as Record<string, unknown>)[key])}`)
      .join(", ")}]`;
  if (ArrayBuffer.isView(value) || value instanceof Date || value instanceof RegExp) return `${value.constructor.name} ${String(value)}`;
  return `{${Object.keys(value)
    .map((key) => `${key}:${inside((value as Record<string, unknown>)[key])}`)
    .join(", ")}}`;
}
