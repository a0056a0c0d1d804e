/**
 * How an object of the config document is spelled: its keys, and the option that each one is. Made of the tables of options, where what
 * they take is said too.
 *
 * A key that ends in `_s` is in seconds, its option in milliseconds.
 */
import { acceptedBy, keyOf, type OptionTable, schemaOf } from "../api/option-table.ts";
import type { Accepts } from "../api/option-values.ts";

/** @internal */
export interface Field {
  /** The key in the document. */
  readonly yaml: string;
  /** The option in code. */
  readonly option: string;
  /** The value is an object of this shape. */
  readonly shape?: Shape;
  /** `null` is the same as leaving it out, as in Ray Serve. */
  readonly nullable: boolean;
  /** What must be given; absent means that the key may be left out. */
  readonly required?: string;
}

/** @internal */
export interface Shape {
  readonly fields: readonly Field[];
  /** Keys that Ray Serve has and edge-serve does not. */
  readonly foreign: ForeignKeys;
}

/** @internal By key. */
export type ForeignKeys = ReadonlyMap<string, ForeignKey>;

/** @internal `"warning"`: it is ignored, which is harmless; `"error"`: ignoring it would change what the author meant. */
export interface ForeignKey {
  readonly severity: "error" | "warning";
  /** Goes on from the key: `is ignored: ...`. */
  readonly predicate: string;
}

/** @internal A part of the document that is read at one go. */
export interface Section<T extends OptionTable> {
  readonly table: T;
  readonly schema: Accepts<object>;
  readonly shape: Shape;
}

/** @internal */
export function sectionOf<T extends OptionTable>(table: T, foreign?: Readonly<Record<string, ForeignKeys>>): Section<T> {
  return { table, schema: schemaOf(table), shape: shapeOf(table, foreign) };
}

/** @internal `foreign` has the keys of Ray Serve's: for the part itself under `""`, for an object in it under the option's name. */
export function shapeOf(table: OptionTable, { "": own = new Map(), ...inner }: Readonly<Record<string, ForeignKeys>> = {}): Shape {
  const fields = Object.entries(table).map(([name, option]): Field => {
    const { schema, fields, nullable = false, required } = option;
    return {
      yaml: keyOf(name, option),
      option: name,
      nullable,
      ...(required ? { required: acceptedBy(schema) } : {}),
      ...(fields === undefined ? {} : { shape: shapeOf(fields, { "": inner[name] ?? new Map() }) }),
    };
  });
  return { fields, foreign: own };
}

/** @internal */
export function isSeconds(field: Field): boolean {
  return field.yaml.endsWith("_s");
}

/** @internal The field behind a key of the document. */
export function fieldOf(shape: Shape, yaml: string): Field | undefined {
  return shape.fields.find((field) => field.yaml === yaml);
}
