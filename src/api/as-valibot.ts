/**
 * Where schemas of options are valibot's again. A file of its own, which no declaration names: who uses edge-serve's types needs none of
 * valibot's.
 */
import type { GenericSchema } from "valibot";
import type { Accepts } from "./option-values.ts";

/** The schema itself. */
export function asValibot<T>(schema: Accepts<T>): GenericSchema<unknown, T> {
  return schema as GenericSchema<unknown, T>;
}
