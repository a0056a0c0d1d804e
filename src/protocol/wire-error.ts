/**
 * A thrown value on its way: what `encode-error.ts` writes and `error-codec.ts` reads.
 */
import type { ServeErrorCode } from "./errors.ts";

/** A thrown value as plain data. */
export type WireError =
  | {
      readonly kind: "error";
      readonly name: string;
      readonly message: string;
      /** The nearest built-in class. */
      readonly builtin: string;
      readonly stack?: string;
      /** Present when edge-serve raised it. */
      readonly code?: ServeErrorCode;
      readonly props: Readonly<Record<string, unknown>>;
      /** Whether there are errors among the properties, as {@link NestedError}s. */
      readonly isNested?: true;
      readonly cause?: WireError;
      /** The members of an `AggregateError`. */
      readonly errors?: readonly WireError[];
    }
  | { readonly kind: "value"; readonly value: unknown; readonly isNested?: true };

/** An error inside a property. */
export interface NestedError {
  readonly [NESTED]: WireError;
}

/** What marks it; no property of an application's is called so. */
export const NESTED = "edge-serve:error";

/** The classes that an error can be of again. */
export const BUILTIN_CLASSES: Readonly<Record<string, new (message: string) => Error>> = {
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
};

/** Gives an object a member of its own, whatever its name is. */
export function define(object: object, key: string, value: unknown, enumerable = false): void {
  Object.defineProperty(object, key, { value, enumerable, configurable: true, writable: true });
}
