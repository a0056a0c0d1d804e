/**
 * Thrown values: errors as programs throw them, and as nobody should. Runs in Node and in workerd.
 */
import { ERROR_CLASSES, type ServeErrorCode } from "../../src/protocol/errors.ts";
import type { Choices } from "./choices.ts";
import { HOSTILE, makeValue, put } from "./values.ts";

/** A thrown value, and what must arrive of it; what is not known in advance is `undefined`. */
export interface Thrown {
  readonly value: unknown;
  readonly name?: string;
  readonly message?: string;
  /** The nearest built-in class. */
  readonly builtin?: string;
  readonly code?: ServeErrorCode;
  /** Own properties that can cross. */
  readonly props: Readonly<Record<string, string | number | boolean>>;
  /** The message of its cause, where that is an ordinary error. */
  readonly cause?: string;
}

const refuse = (): never => {
  throw new Error(HOSTILE);
};

class Declined extends TypeError {
  override readonly name = "Declined";
}

const MESSAGES = ["declined", "", "two\nlines", "é😀", "\ud800", "at x (y:1:1)\n    at z (y:2:2)", "\0"] as const;
const BUILTINS = { Error, TypeError, RangeError, SyntaxError, URIError, EvalError, ReferenceError } as const;

interface Draft {
  error: Error;
  name?: string | undefined;
  message?: string | undefined;
  builtin?: string | undefined;
  code?: ServeErrorCode;
  cause?: string | undefined;
  props: Record<string, string | number | boolean>;
}

/** Makes a thrown value. */
export function makeThrown(choices: Choices): Thrown {
  if (choices.once(6)) return { value: oddThing(choices), props: {} };
  const draft = begun(choices);
  for (let count = choices.below(4); count > 0 && !Object.isFrozen(draft.error); count--) choices.weighted(CHANGES)(draft, choices);
  const { error, props, ...known } = draft;
  return { value: error, props, ...(Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined)) as object) };
}

function oddThing(choices: Choices): unknown {
  return choices.of<() => unknown>([
    () => undefined,
    () => null,
    () => "text",
    () => 0n,
    () => Symbol("thrown"),
    () => () => 1,
    () => ({ toString: null }),
    () => Object.create(null) as object,
    () => ({ status: 404 }),
    () => ({ status: 503, message: Symbol("status") }),
    () => ({ get status(): number { return refuse(); } }), // prettier-ignore
    () => new Proxy(new Error("behind"), {}),
    () => new Proxy(new Error("behind"), { get: refuse, getPrototypeOf: refuse, has: refuse, ownKeys: refuse }),
    () => new Proxy(() => 1, { apply: refuse, get: refuse }),
    () => revokedError(),
    () => makeValue(choices).value,
    () => new Response("thrown", { status: choices.of([200, 404, 500]) }),
    () => Object.setPrototypeOf(new Error("bare"), null) as object,
    () => Object.create(Error.prototype) as object,
    () => Promise.reject(new Error("rejected")).catch(() => {}),
  ])();
}

function revokedError(): object {
  const { proxy, revoke } = Proxy.revocable(new Error("gone"), {});
  revoke();
  return proxy;
}

function begun(choices: Choices): Draft {
  const message = choices.of(MESSAGES);
  const kind = choices.below(10);
  if (kind <= 5) {
    const builtin = choices.of(Object.keys(BUILTINS) as (keyof typeof BUILTINS)[]);
    return { error: new BUILTINS[builtin](message), name: builtin, message, builtin, props: {} };
  }
  if (kind === 6) return { error: new Declined(message), name: "Declined", message, builtin: "TypeError", props: {} };
  if (kind === 7) {
    const code = choices.of(Object.keys(ERROR_CLASSES) as ServeErrorCode[]);
    const error = new ERROR_CLASSES[code](message);
    return { error, name: error.name, message, code, props: {} };
  }
  if (kind === 8)
    return { error: new DOMException(message, "AbortError"), name: "AbortError", message, builtin: "DOMException", props: {} };
  const members = choices.list(0, 3, () => new Error(choices.of(MESSAGES)));
  return { error: new AggregateError(members, message), name: "AggregateError", message, builtin: "AggregateError", props: {} };
}

type Change = (draft: Draft, choices: Choices) => void;

const unknown = (draft: Draft, ...fields: ("name" | "message" | "builtin" | "cause")[]) => {
  for (const field of fields) draft[field] = undefined;
};

/** Sets what may be read-only or inherited. */
const define = (error: object, key: string, value: unknown) =>
  void Reflect.defineProperty(error, key, { value, configurable: true, writable: true, enumerable: false });

const CHANGES: readonly (readonly [number, Change])[] = [
  [
    4,
    (draft, choices) => {
      const [key, value] = [choices.of(["detail", "status", "retryable", "a b", "message2"]), choices.of([1, "text", true, 404])];
      put(draft.error, key, value);
      // An error of the framework's has a status of its own.
      if (draft.code === undefined) draft.props[key] = value;
    },
  ],
  [
    3,
    ({ error, props }, choices) => {
      const key = choices.of(["inner", "data", "status", "errors", "toJSON", "then", "__proto__"]);
      put(error, key, makeValue(choices).value);
      delete props[key];
    },
  ],
  [2, ({ error }) => put(error, "self", error)],
  [2, (draft) => (define(draft.error, "cause", draft.error), unknown(draft, "cause"))],
  [2, (draft) => (define(draft.error, "cause", new RangeError("because")), (draft.cause = "because"))],
  [1, (draft, choices) => (define(draft.error, "cause", makeValue(choices).value), unknown(draft, "cause"))],
  [1, (draft, choices) => (define(draft.error, "cause", chain(choices.of([20, 1000, 20_000]))), unknown(draft, "cause"))],
  [1, ({ error }) => void Reflect.defineProperty(error, "detail2", { get: refuse, enumerable: true, configurable: true })],
  [1, (draft) => (void Reflect.defineProperty(draft.error, "message", { get: refuse, configurable: true }), unknown(draft, "message"))],
  [1, (draft) => (void Reflect.defineProperty(draft.error, "name", { get: refuse, configurable: true }), unknown(draft, "name"))],
  [1, ({ error }) => void Reflect.defineProperty(error, "stack", { get: refuse, configurable: true })],
  [1, (draft) => (void Reflect.defineProperty(draft.error, "cause", { get: refuse, configurable: true }), unknown(draft, "cause"))],
  [1, (draft, choices) => (define(draft.error, "name", oddText(choices)), unknown(draft, "name", "builtin"))],
  [1, (draft, choices) => (define(draft.error, "message", oddText(choices)), unknown(draft, "message"))],
  [1, ({ error }, choices) => define(error, "stack", oddText(choices))],
  [1, (draft) => (define(draft.error, "constructor", { get name(): string { return refuse(); } }), unknown(draft, "builtin"))], // prettier-ignore
  [1, ({ error }) => void Reflect.defineProperty(error, Symbol.toStringTag, { get: refuse, configurable: true })],
  [1, ({ error }, choices) => define(error, "errors", choices.of<() => unknown>([() => undefined, () => Array.from({ length: 12 }, () => error), () => 5, () => [Object.create(null)]])())],
  [1, (draft, choices) => (Object.setPrototypeOf(draft.error, choices.of([Object.prototype, Array.prototype, Declined.prototype])), unknown(draft, "name", "message", "builtin", "cause"), (draft.props = {}))],
  [1, ({ error }) => Object.freeze(error)],
]; // prettier-ignore

function chain(length: number): Error {
  let error = new Error("the first");
  for (let count = length; count > 0; count--) error = new Error("the next", { cause: error });
  return error;
}

function oddText(choices: Choices): unknown {
  return choices.of<() => unknown>([
    () => undefined,
    () => 7,
    () => ({ toString: refuse }),
    () => Object.create(null) as object,
    () => Symbol("text"),
    () => "x".repeat(choices.of([70_000, 3_000_000])),
    () => "line\n".repeat(200_000),
    () => "    at a (b:1:1)\n".repeat(60_000),
    () => 1n,
    () => null,
  ])();
}

/** `instanceof`, of a value that may refuse even that. */
export function isA(value: unknown, type: abstract new (...args: never[]) => unknown): boolean {
  try {
    return value instanceof type;
  } catch {
    return false;
  }
}
