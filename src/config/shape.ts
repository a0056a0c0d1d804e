/**
 * How an object of the config document is spelled: its keys, and the option that each one is.
 *
 * A key that ends in `_s` is in seconds, its option in milliseconds. What values an option takes is said by
 * the schemas, not here.
 */

/** @internal */
export interface Field {
  /** The key in the document. */
  readonly yaml: string;
  /** The option in code. */
  readonly option: string;
  /** What it means: the description in the JSON Schema. */
  readonly doc: string;
  /** The value is an object of this shape. */
  readonly shape?: Shape;
  /** `null` is the same as leaving it out, as in Ray Serve. */
  readonly nullable?: boolean;
  /** What must be given; absent means that the key may be left out. */
  readonly required?: string;
  /** What is accepted, where a config file takes other values than code does. */
  readonly accepted?: string;
}

/** @internal */
export interface Shape {
  readonly fields: readonly Field[];
  /** Keys that Ray Serve has and edge-serve does not. */
  readonly foreign: ReadonlyMap<string, ForeignKey>;
}

/** @internal `"warning"`: it is ignored, which is harmless; `"error"`: ignoring it would change what the author meant. */
export interface ForeignKey {
  readonly severity: "error" | "warning";
  /** Goes on from the key: `is ignored: ...`. */
  readonly predicate: string;
}

/** @internal */
export function isSeconds(field: Field): boolean {
  return field.yaml.endsWith("_s");
}

/** @internal The field behind a key of the document. */
export function fieldOf(shape: Shape, yaml: string): Field | undefined {
  return shape.fields.find((field) => field.yaml === yaml);
}

/** @internal */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
