/**
 * Looking a name up that somebody else has chosen. An object also has what every object inherits, and `constructor`,
 * `toString` and the like are names that anything may have.
 */

/** The value that `record` itself has under `name`. */
export function own<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

/** Whether names can be looked up in `value`: an object, and no array. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
