/**
 * Values as the JSON of a log line, whatever they are.
 *
 * Owns: what is written of a value, and how much. Does not own: which lines are written, and with what (logger.ts).
 *
 * Invariants:
 *   L1. Writing never throws, whatever a getter, a proxy or a `toJSON` does.
 *   L2. No more is written than there is room for, and what is cut says so. It takes time in proportion to what is written.
 *   L3. A value that cannot be written, or read, costs itself only: those beside it are there.
 *   L4. What `JSON.stringify` writes of plain data is what is written here.
 */
import { classNameOf, isError, isOfPlatform, keysOf, primitiveText, prototypeOf, read } from "../protocol/strangers.ts";

/** How deep values are written. Brackets that are open have to be closed, so this takes room. */
const MAX_DEPTH = 32;
/** What is kept back for what says that something is cut, at every depth, in bytes. */
const RESERVE = 4096;
const BOXED: readonly string[] = ["String", "Number", "Boolean"];
/** How much of a field's name is written. */
const MAX_KEY_BYTES = 1024;
/** How many bytes of binary are shown. */
const SHOWN_BYTES = 32;

/** Writes values one after the other, as long as there is room. */
export class LogText {
  #left: number;
  readonly #env: unknown;
  readonly #way: object[] = [];
  // Of the bindings, once an object has been compared with them.
  #names: readonly string[] | undefined;

  /**
   * @param room How many bytes of UTF-8 may be written in all.
   * @param env The Worker's bindings: only their names are written, wherever they are met.
   */
  constructor(room: number, env?: unknown) {
    this.#left = room - RESERVE;
    this.#env = env;
  }

  /** Whether there is room for more. */
  get hasRoom(): boolean {
    return this.#left > 0;
  }

  /** A field as JSON, which leaves room for others; `undefined` for what JSON leaves out. */
  field(key: string, value: unknown): string | undefined {
    const name = this.text(key, MAX_KEY_BYTES);
    const before = this.#left;
    const room = Math.floor(before / 2);
    this.#left = room;
    const json = this.#value(value);
    this.#left = before - (room - this.#left);
    return json === undefined ? undefined : `${name}:${json}`;
  }

  /** The names of the Worker's bindings. */
  get bindings(): readonly string[] {
    return (this.#names ??= typeof this.#env === "object" && this.#env !== null ? keysOf(this.#env) : []);
  }

  /** Whether a value is the Worker's bindings, or a copy with all of them, as routers make to add their own. */
  holdsBindings(value: object): boolean {
    if (value === this.#env) return true;
    if (typeof this.#env !== "object" || this.#env === null) return false;
    const env = this.#env as Readonly<Record<string, unknown>>;
    const names = this.bindings;
    // A field that has the name and value of the only binding is meant.
    return names.length > 1 && names.every((name) => Object.is(read(value, name), env[name]));
  }

  /** A value as JSON; `undefined` for what JSON leaves out. */
  json(value: unknown): string | undefined {
    return this.#value(value);
  }

  /** A text as JSON, cut to so many bytes. */
  text(text: string, room = Infinity): string {
    const most = Math.max(0, Math.min(this.#left, room));
    for (let length = Math.min(text.length, most); ; length = Math.floor(length / 2)) {
      const cut = length === text.length ? text : `${text.slice(0, length)}... [${text.length - length} more characters]`;
      const json = JSON.stringify(cut);
      // Control characters take six times as much, and others up to three.
      if (utf8Length(json) <= most + 100 || length === 0) return this.#take(json);
    }
  }

  #value(value: unknown): string | undefined {
    if (typeof value === "string") return this.text(value);
    if (typeof value === "bigint") return this.#take(`"${value}"`);
    if (typeof value === "number") return this.#take(Number.isFinite(value) ? String(value) : "null");
    if (typeof value === "boolean" || value === null) return this.#take(String(value));
    if (typeof value !== "object") return undefined;
    if (this.#left <= 0) return this.#take('"[truncated]"');
    if (this.#way.includes(value)) return this.#take('"[circular]"');
    if (this.#way.length >= MAX_DEPTH) return this.#take('"[too deep]"');
    this.#way.push(value);
    try {
      return this.#object(value);
    } catch {
      // A proxy that does not say what it is, or an error of the engine's own.
      return this.#take('"[unreadable]"');
    } finally {
      this.#way.pop();
    }
  }

  #object(value: object): string | undefined {
    if (this.holdsBindings(value)) return this.#items(keysOf(value).values());
    if (isError(value)) return this.text(errorText(value, this.#left));
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return this.text(binaryText(value));
    const converted = this.#converted(value);
    if (converted !== undefined) return converted.json;
    if (value instanceof Set) return this.#items(Set.prototype.values.call(value));
    if (value instanceof Map) return this.#map(value);
    if (Array.isArray(value)) return this.#items(elementsOf(value));
    return this.#members(keysOf(value), (key) => read(value, key));
  }

  // What an object says of itself.
  #converted(value: object): { readonly json: string | undefined } | undefined {
    if (isOfPlatform(value, BOXED) !== undefined) return { json: this.#value((value as unknown as number | string | boolean).valueOf()) };
    const toJSON = read(value, "toJSON");
    if (typeof toJSON !== "function") return undefined;
    try {
      return { json: this.#value(Reflect.apply(toJSON, value, [""])) };
    } catch (error) {
      return { json: this.text(`[toJSON() threw ${thrownName(error)}]`) };
    }
  }

  #map(value: Map<unknown, unknown>): string {
    const keys = Map.prototype.keys.call(value);
    const isNamed = [...keys].every((key) => typeof key === "string");
    if (!isNamed) return this.#items(Map.prototype.entries.call(value));
    return this.#members([...Map.prototype.keys.call(value)] as string[], (key) => Map.prototype.get.call(value, key));
  }

  #members(keys: readonly string[], member: (key: string) => unknown): string {
    this.#left -= 2;
    let json = "";
    for (const [index, key] of keys.entries()) {
      if (this.#left <= 0) return `{${json}${json === "" ? "" : ","}"...":"[${keys.length - index} more]"}`;
      const before = this.#left;
      const name = this.text(key, MAX_KEY_BYTES);
      const value = this.#value(member(key));
      if (value === undefined) this.#left = before;
      else json += `${json === "" ? "" : ","}${name}:${value}`;
    }
    return `{${json}}`;
  }

  #items(items: Iterator<unknown>): string {
    this.#left -= 2;
    let json = "";
    for (let next = items.next(); next.done !== true; next = items.next()) {
      const comma = json === "" ? "" : ",";
      if (this.#left <= 0) return `[${json}${comma}"[truncated]"]`;
      this.#left -= 1;
      json += comma + (this.#value(next.value) ?? this.#take("null"));
    }
    return `[${json}]`;
  }

  #take(json: string): string {
    this.#left -= utf8Length(json) + 2;
    return json;
  }
}

function* elementsOf(array: readonly unknown[]): Generator<unknown, void, undefined> {
  for (let index = 0; index < array.length; index++) yield read(array, index);
}

/** How many bytes a text takes. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code > 0x7f) bytes += code > 0x7ff && (code < 0xd800 || code > 0xdfff) ? 2 : 1;
  }
  return bytes;
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

/** What was thrown, by name and message, on one line. Never throws. */
export function thrownName(thrown: unknown): string {
  if (!isError(thrown)) return primitiveText(thrown) ?? (thrown === undefined ? "undefined" : describe(thrown as object));
  return `${primitiveText(read(thrown, "name")) ?? "Error"}: ${messageOf(thrown)}`;
}

/** The message of what was thrown, if it has one. Never throws. */
export function messageOf(thrown: unknown): string {
  const message = typeof thrown === "object" && thrown !== null ? read(thrown, "message") : thrown;
  return primitiveText(message) ?? (message === undefined ? String(message) : "");
}

function describe(thrown: object): string {
  const message = read(thrown, "message");
  const name = classNameOf(thrown) ?? (prototypeOf(thrown) === null ? "Object" : typeof thrown);
  return typeof message === "string" ? `${name}: ${message}` : `a thrown ${name}`;
}

/**
 * The stack of an error, and below it those of its causes and members, each once. Never throws.
 *
 * @param room About how long it may be.
 */
export function errorText(thrown: unknown, room: number): string {
  const seen = new Set<unknown>();
  const waiting: [thrown: unknown, label: string][] = [[thrown, ""]];
  let text = "";
  for (let next = waiting.shift(); next !== undefined && text.length < room; next = waiting.shift()) {
    const [error, label] = next;
    if (seen.has(error)) continue;
    if (typeof error === "object") seen.add(error);
    text += `${text === "" ? "" : "\n"}${label}${stackOf(error, room - text.length)}`;
    if (!isError(error)) continue;
    const cause = read(error, "cause");
    const errors = read(error, "errors");
    const members = Array.isArray(errors) ? Array.from({ length: Math.min(errors.length, 100) }, (_, index) => read(errors, index)) : [];
    waiting.unshift(
      ...(cause === undefined ? [] : [[cause, "Caused by: "] as [unknown, string]]),
      ...members.map((one): [unknown, string] => [one, "Of these: "]),
    );
  }
  return text;
}

// Of a long stack the frames are worth more than all of the message before them.
function stackOf(thrown: unknown, room: number): string {
  const stack = isError(thrown) ? read(thrown, "stack") : undefined;
  if (typeof stack !== "string") return thrownName(thrown).slice(0, room);
  if (stack.length <= room) return stack;
  const frames = stack.indexOf("\n    at ", Math.min(messageOf(thrown).length, stack.length));
  const half = Math.max(0, Math.floor(room / 2) - 5);
  return `${stack.slice(0, half)}...${frames === -1 ? "" : stack.slice(frames, frames + half)}`;
}
