/**
 * Values as the JSON of a log line, whatever they are.
 *
 * Owns: what is written of a value, and how much. Does not own: which lines are written, and with what (logger.ts); what is
 * said of errors (error-text.ts).
 *
 * Invariants:
 *   L1. Writing never throws, whatever a getter, a proxy or a `toJSON` does.
 *   L2. No more is written than there is room for, and what is cut says so. It takes time in proportion to what is written.
 *   L3. A value that cannot be written, or read, costs itself only: those beside it are there.
 *   L4. What `JSON.stringify` writes of plain data is what is written here.
 */
import { classNameOf, isError, isOfPlatform, keysOf, read } from "../protocol/strangers.ts";
import { isBindings } from "./bindings.ts";
import { errorText, thrownName } from "./error-text.ts";

/** How deep values are written. Brackets that are open have to be closed, so this takes room. */
const MAX_DEPTH = 32;
/** What is kept back for what says that something is cut, at every depth, in bytes. */
const RESERVE = 2048;
/** With less room than this nothing more is begun. */
const LEAST = 128;
/** How much says that a text is cut. */
const MARK_BYTES = 40;
/** What an object takes besides its members: its brackets, and the comma after it. */
const BRACKETS = 3;
/** How much of a field's name is written. */
const MAX_KEY_BYTES = 1024;
/** How many bytes of binary are shown. */
const SHOWN_BYTES = 32;
/** Larger ones are not written out: their digits take time. */
const MAX_BIGINT = 1n << 4096n;
/** Listing so many names takes time, so it is done once. */
const MANY_KEYS = 1000;
const BOXED: readonly string[] = ["String", "Number", "Boolean"];

/** Writes values one after the other, as long as there is room. */
export class LogText {
  #left: number;
  #isCut = false;
  readonly #env: unknown;
  readonly #isFair: boolean;
  readonly #listed: Map<object, readonly string[]>;
  readonly #way: object[] = [];
  // Of the bindings, once an object has been compared with them.
  #names: readonly string[] | undefined;

  /**
   * @param room How many bytes of UTF-8 may be written in all.
   * @param env The Worker's bindings: only their names are written, wherever they are met.
   * @param before What had not room enough when each value took what it liked: now each leaves most of the room to others.
   */
  constructor(room: number, env?: unknown, before?: LogText) {
    this.#left = room - RESERVE;
    this.#env = env;
    this.#isFair = before !== undefined;
    this.#listed = before === undefined ? new Map() : before.#listed;
  }

  /** Whether something is missing because there was no room for it. */
  get isCut(): boolean {
    return this.#isCut;
  }

  /** The names of the bindings that an object holds, if it is the Worker's bindings, or a copy with all of them; those are not shown. */
  bindingsIn(value: object): readonly string[] | undefined {
    if (value === this.#env || isBindings(value)) return keysOf(value);
    if (typeof this.#env !== "object" || this.#env === null) return undefined;
    const env = this.#env as Readonly<Record<string, unknown>>;
    const names = (this.#names ??= keysOf(env));
    // A field that has the name and value of the only binding is meant.
    return names.length > 1 && names.every((name) => Object.is(read(value, name), env[name])) ? names : undefined;
  }

  /**
   * An object's members as JSON, without the braces.
   *
   * @param without The names of those that are not written.
   * @param rename What a member is called in the line.
   */
  members(value: object, without: readonly string[], rename: (key: string) => string): string {
    const keys = this.#keysOf(value);
    const written = without.length === 0 ? keys : keys.filter((key) => !without.includes(key));
    return this.#inside(written, (key) => read(value, key), rename);
  }

  /** A value as JSON; `undefined` for what JSON leaves out. */
  json(value: unknown): string | undefined {
    return this.#value(value, "");
  }

  /** A text as JSON, cut to so many bytes. */
  text(text: string, room = Infinity): string {
    const most = Math.min(this.#left, room);
    // No character takes more than six.
    if (text.length * 6 + 2 <= most || fitting(text, most - 2) === text.length) return this.#take(JSON.stringify(text));
    if (room > this.#left) this.#isCut = true;
    const length = fitting(text, Math.max(0, most - 2 - MARK_BYTES));
    return this.#take(JSON.stringify(`${text.slice(0, length)}... [${text.length - length} more characters]`));
  }

  /** What was thrown: stacks of errors and their causes, and anything else as JSON. */
  thrown(value: unknown): string {
    return errorText(value, this.#left, (other) => this.#aside(other));
  }

  // A value that stands in a text, which takes room as a whole.
  #aside(value: unknown): string {
    const before = this.#left;
    const json = this.#value(value, "");
    this.#left = before;
    return json ?? thrownName(value);
  }

  #value(value: unknown, key: string, isConverted = false): string | undefined {
    if (typeof value === "string") return this.text(value);
    if (typeof value === "bigint") return this.#bigint(value);
    if (typeof value === "number") return this.#take(Number.isFinite(value) ? String(value) : "null");
    if (typeof value === "boolean" || value === null) return this.#take(String(value));
    if (typeof value !== "object") return undefined;
    if (this.#left < LEAST) return this.#cut('"[truncated]"');
    if (this.#way.includes(value)) return this.#take('"[circular]"');
    if (this.#way.length >= MAX_DEPTH) return this.#take('"[too deep]"');
    this.#way.push(value);
    try {
      return this.#object(value, key, isConverted);
    } catch {
      // A proxy that does not say what it is, or an error of the engine's own.
      return this.#take('"[unreadable]"');
    } finally {
      this.#way.pop();
    }
  }

  #object(value: object, key: string, isConverted: boolean): string | undefined {
    if (this.bindingsIn(value) !== undefined) return this.#items(keysOf(value).values());
    if (isError(value)) return this.text(this.thrown(value));
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return this.text(binaryText(value));
    const converted = isConverted ? undefined : this.#converted(value, key);
    if (converted !== undefined) return converted.json;
    if (value instanceof Set) return this.#items(Set.prototype.values.call(value));
    if (value instanceof Map) return this.#map(value);
    if (Array.isArray(value)) return this.#items(elementsOf(value));
    return this.#record(this.#keysOf(value), (name) => read(value, name));
  }

  // What an object says of itself.
  #converted(value: object, key: string): { readonly json: string | undefined } | undefined {
    if (isOfPlatform(value, BOXED) !== undefined) return { json: this.#value((value as { valueOf(): unknown }).valueOf(), key, true) };
    const toJSON = read(value, "toJSON");
    if (typeof toJSON !== "function") return undefined;
    try {
      const given: unknown = Reflect.apply(toJSON, value, [key]);
      // It may have given itself: it is written as it is then.
      return given === value ? undefined : { json: this.#value(given, key, true) };
    } catch (error) {
      return { json: this.text(`[toJSON() threw ${thrownName(error)}]`) };
    }
  }

  #map(value: Map<unknown, unknown>): string {
    const keys: string[] = [];
    for (const key of Map.prototype.keys.call(value)) {
      if (typeof key !== "string") return this.#items(Map.prototype.entries.call(value));
      // Each takes six bytes at least: there is room for no more.
      if (keys.push(key) * 6 > this.#left) break;
    }
    const size = Reflect.get(Map.prototype, "size", value) as number;
    return this.#record(keys, (key) => Map.prototype.get.call(value, key), size);
  }

  #record(keys: readonly string[], member: (key: string) => unknown, count = keys.length): string {
    this.#left -= BRACKETS;
    return `{${this.#inside(keys, member, undefined, count)}}`;
  }

  #inside(
    keys: readonly string[],
    member: (key: string) => unknown,
    rename: ((key: string) => string) | undefined,
    count = keys.length,
  ): string {
    let json = "";
    for (let index = 0; index < count; index++) {
      const comma = json === "" ? "" : ",";
      if (this.#left < LEAST || index >= keys.length) return json + this.#cut(`${comma}"...":"[${count - index} more]"`);
      const key = keys[index]!;
      const before = this.#left;
      const name = this.text(rename?.(key) ?? key, Math.min(MAX_KEY_BYTES, this.#left >> 1));
      const value = this.#fairly(member(key), key);
      // Being looked at has its price too: there may be very many that JSON leaves out.
      if (value === undefined) this.#left = before - 1;
      else json += `${comma}${name}:${value}`;
    }
    return json;
  }

  #items(items: Iterator<unknown>): string {
    this.#left -= BRACKETS;
    let json = "";
    for (let next = items.next(), index = 0; next.done !== true; next = items.next(), index++) {
      const comma = json === "" ? "" : ",";
      if (this.#left < LEAST) return `[${json}${this.#cut(`${comma}"[truncated]"`)}]`;
      json += comma + (this.#fairly(next.value, String(index)) ?? this.#take("null"));
    }
    return `[${json}]`;
  }

  // Where there is not room for all of them, no value takes more than a quarter of what is left.
  #fairly(value: unknown, key: string): string | undefined {
    const kept = this.#isFair ? Math.max(0, this.#left - Math.max(LEAST, this.#left >> 2)) : 0;
    this.#left -= kept;
    const json = this.#value(value, key);
    this.#left += kept;
    return json;
  }

  #bigint(value: bigint): string {
    return value < MAX_BIGINT && value > -MAX_BIGINT ? this.text(String(value)) : this.#take('"[bigint of more than 1233 digits]"');
  }

  #keysOf(value: object): readonly string[] {
    const known = this.#listed.get(value);
    if (known !== undefined) return known;
    const keys = keysOf(value);
    if (keys.length > MANY_KEYS) this.#listed.set(value, keys);
    return keys;
  }

  #cut(json: string): string {
    this.#isCut = true;
    return this.#take(json);
  }

  #take(json: string): string {
    // With the comma or the colon beside it.
    this.#left -= utf8Length(json) + 1;
    return json;
  }
}

function* elementsOf(array: readonly unknown[]): Generator<unknown, void, undefined> {
  for (let index = 0; index < array.length; index++) yield read(array, index);
}

function utf8Length(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code > 0x7f) bytes += code > 0x7ff && (code < 0xd800 || code > 0xdfff) ? 2 : 1;
  }
  return bytes;
}

/** How many characters of a text fit into so many bytes of JSON. Looks no further than that. */
function fitting(text: string, room: number): number {
  let bytes = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    const isPair = code >= 0xd800 && code < 0xdc00 && (text.charCodeAt(index + 1) & 0xfc00) === 0xdc00;
    bytes += isPair ? 4 : bytesOf(code);
    if (bytes > room) return index;
    if (isPair) index++;
  }
  return text.length;
}

function bytesOf(code: number): number {
  if (code < 0x20) return code === 8 || code === 9 || code === 10 || code === 12 || code === 13 ? 2 : 6;
  if (code < 0x80) return code === 0x22 || code === 0x5c ? 2 : 1;
  if (code < 0x800) return 2;
  // Half of a pair is escaped.
  return code >= 0xd800 && code <= 0xdfff ? 6 : 3;
}

function binaryText(value: ArrayBuffer | ArrayBufferView): string {
  try {
    const bytes = ArrayBuffer.isView(value) ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength) : new Uint8Array(value);
    const shown = Array.from(bytes.subarray(0, SHOWN_BYTES), (byte) => byte.toString(16).padStart(2, "0")).join("");
    return `[${classNameOf(value) ?? "binary"} of ${bytes.length} bytes: ${shown}${bytes.length > SHOWN_BYTES ? "..." : ""}]`;
  } catch {
    return "[binary that is gone]";
  }
}
