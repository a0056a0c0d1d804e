/**
 * What is in an object that is looked through: its members, one after the other, and where each of them is.
 *
 * Owns: which members cross with an object. Does not own: whether they may (`sendable.ts`).
 */
import { isScalar, MAX_NAMED } from "./plain-data.ts";
import { primitiveText } from "./strangers.ts";

/** An array with more holes is sparse, and looked through by what it has. */
const MAX_HOLES = 1000;

/** There is no other member. */
export const END: unique symbol = Symbol("end");
/** The member cannot be read, because its getter throws. */
export const UNREADABLE: unique symbol = Symbol("unreadable");

/** An object that is looked through: its members, one after the other, but for those that have nothing in them. */
export class Members {
  readonly value: object;
  // Of a record, and of an array that has fewer members than its length says, or others.
  #names: readonly string[] | undefined;
  // Of a `Map` or a `Set`.
  readonly #entries: Iterator<unknown> | undefined;
  #length: number;
  #index = 0;
  #holes = 0;
  #entry: unknown;
  #isKey = false;

  constructor(value: object) {
    this.value = value;
    if (value instanceof Map) this.#entries = Map.prototype.entries.call(value);
    else if (value instanceof Set) this.#entries = Set.prototype.values.call(value);
    else if (!Array.isArray(value) || hasNamed(value)) this.#names = namesIn(value);
    this.#length = this.#names?.length ?? (value as unknown[]).length;
  }

  /** The next member that is no scalar, or that there is none, or that it cannot be read. */
  take(): unknown {
    if (this.#entries !== undefined) return this.#isKey ? this.#valueOfEntry() : this.#nextEntry(this.#entries);
    const { value } = this;
    try {
      while (this.#index < this.#length) {
        const key = this.#names === undefined ? this.#index : this.#names[this.#index]!;
        this.#index++;
        const member = (value as Record<PropertyKey, unknown>)[key];
        if (!isScalar(member)) return member;
        if (member === undefined && this.#names === undefined && !(key in value) && ++this.#holes > MAX_HOLES) this.#goByNames();
      }
      return END;
    } catch {
      return UNREADABLE;
    }
  }

  // What has been looked at is looked at again, and costs no more than it did.
  #goByNames(): void {
    this.#names = namesIn(this.value);
    this.#length = this.#names.length;
    this.#index = 0;
  }

  #nextEntry(entries: Iterator<unknown>): unknown {
    const { done, value } = entries.next();
    if (done === true) return END;
    this.#entry = value;
    if (this.value instanceof Set) return value;
    this.#isKey = true;
    return (value as [unknown, unknown])[0];
  }

  #valueOfEntry(): unknown {
    this.#isKey = false;
    return (this.#entry as [unknown, unknown])[1];
  }

  /** Where the member is that was taken last. */
  get step(): string {
    if (this.value instanceof Set) return ".values()";
    if (this.value instanceof Map) return this.#isKey ? ".keys()" : `.get(${quoted((this.#entry as [unknown, unknown])[0])})`;
    const name = this.#names === undefined ? this.#index - 1 : this.#names[this.#index - 1]!;
    if (Array.isArray(this.value) && /^\d+$/.test(String(name))) return `[${name}]`;
    return /^[A-Za-z_$][\w$]*$/.test(String(name)) ? `.${name}` : `[${JSON.stringify(name)}]`;
  }
}

// Long ones are not asked: it would cost as much as sending them.
function hasNamed(items: readonly unknown[]): boolean {
  if (items.length > MAX_NAMED) return false;
  // Items come first, whatever was set first.
  const last = Object.keys(items).at(-1);
  return last !== undefined && String(Number(last) >>> 0) !== last;
}

// A key is never asked for its own text.
function quoted(key: unknown): string {
  return typeof key === "string" ? JSON.stringify(key.slice(0, 100)) : (primitiveText(key) ?? "an object");
}

// Of an error those are sent, too, that are not enumerable.
function namesIn(value: object): readonly string[] {
  const names = Object.keys(value);
  return value instanceof Error
    ? [...names, ...["cause", "errors"].filter((name) => Object.hasOwn(value, name) && !names.includes(name))]
    : names;
}
