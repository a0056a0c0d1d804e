/**
 * Which values may cross between replicas, and where in a value the first one is that may not.
 *
 * The platform would send a function as a callback stub and a `Proxy` as something else again, and refuses a
 * class instance without saying where it was. So each value is looked through once before it is sent.
 *
 * Owns: what may cross, and how it is put when something may not. Does not own: which members an object has (`members.ts`), the quick
 * look that most values pass (`plain-data.ts`).
 *
 * Invariants:
 *   V1. Each object is looked at once, so it takes time in proportion to the size of the value.
 *   V2. Whatever is in a value, looking through it ends, and throws nothing but a `SerializationError`.
 */
import { SerializationError } from "./errors.ts";
import { END, Members, UNREADABLE } from "./members.ts";
import { withPrototypes } from "./null-prototypes.ts";
import { isPlainData, isScalar } from "./plain-data.ts";
import { classNameOf, isOfPlatform, isProxy, prototypeOf, read } from "./strangers.ts";

interface Unsendable {
  /** Where it is, from the value looked at: `.user.profile[2]`, or the empty string for the value itself. */
  readonly path: string;
  /** What it is: `a function`. */
  readonly what: string;
  /** What to send instead, where that is clear. */
  readonly instead?: string;
}

/** Marks a handle's answer, so that one inside an argument is named as what it is. */
export const RESPONSE_BRAND: unique symbol = Symbol.for("edge-serve.response");
/** Marks the items of a generator, once the answer has come. */
export const ITEMS_BRAND: unique symbol = Symbol.for("edge-serve.items");

/** The handles that there are: a handle looks like no other object, and is asked about nothing. */
export const handles = new WeakSet<object>();
/** What `handle.predict` is, for every handle: worth something only with `.remote()`. */
export const handleMethods = new WeakSet<object>();

/** Platform classes that cross as what they are. */
const CROSSING_CLASSES: readonly string[] = [
  "Date", "RegExp", "Boolean", "Number", "String", "BigInt",
  "Headers", "Blob", "DOMException",
]; // prettier-ignore
/** Those that can be read once. */
const BODIES: readonly string[] = ["Request", "Response", "ReadableStream", "WritableStream"];

/** How deep the platform's own serializer goes, with something to spare: where it ends depends on who calls. */
const MAX_DEPTH = 1500;
/** For an error it takes so much more of the stack: some 600 are too deep where 3,000 records are not. */
const DEPTH_OF_ERROR = 5;
/**
 * Returns what to send for `value`: the value itself, unless a null-prototype record in it has to be copied.
 *
 * @param subject What the value is, for the error: `Argument 1 of "Rank.score"`.
 * @throws SerializationError saying where in the value the part is that cannot cross.
 */
export function toSendable(value: unknown, subject: string): unknown {
  if (isScalar(value) || (typeof value === "object" && isPlainData(value))) return value;
  const search = new Search();
  const found = search.of(value);
  if (found !== undefined) throw refusalOf(found, subject);
  if (search.bare === undefined) return value;
  const copy = copied(value, subject);
  const rest = new Search();
  const foundNow = rest.of(copy);
  if (foundNow !== undefined) throw refusalOf(foundNow, subject);
  if (rest.bare !== undefined)
    throw refusalOf({ path: rest.bare, what: "an object with a null prototype inside an instance of a class" }, subject);
  return copy;
}

// Its getters are read again, and may give or throw anything this time: also something without an end.
function copied(value: unknown, subject: string): unknown {
  try {
    return withPrototypes(value, new Map());
  } catch {
    throw refusalOf({ path: "", what: "an object that is another one each time it is looked into" }, subject);
  }
}

function refusalOf({ path, what, instead }: Unsendable, subject: string): SerializationError {
  const place = path === "" ? `is ${what}` : `holds ${what} at ${path}`;
  return new SerializationError(
    `${subject} ${place}, which cannot cross to another replica. ${instead ?? "Send plain data, or something else that structured clone carries."}`,
  );
}

// Most records hold no other objects.
function holdsScalars(value: object): boolean {
  try {
    for (const key of Object.keys(value)) if (!isScalar((value as Record<string, unknown>)[key])) return false;
    return true;
  } catch {
    return false;
  }
}

/** One walk through a value, each object of it once. */
class Search {
  /** Where the first record without a prototype is, which the platform does not send. */
  bare: string | undefined;
  readonly #seen = new Set<object>();
  // From the value to where the walk is.
  readonly #way: Members[] = [];
  #errors = 0;

  of(value: unknown): Unsendable | undefined {
    try {
      return this.#walk(value);
    } catch {
      // What only inherits from a class of the platform's has nothing of it.
      return this.#here("an object that cannot be looked into");
    }
  }

  #walk(value: unknown): Unsendable | undefined {
    const found = this.#look(value);
    if (found !== undefined) return found;
    for (let level = this.#way.at(-1); level !== undefined; level = this.#way.at(-1)) {
      const member = level.take();
      if (member === END) this.#leave();
      else if (member === UNREADABLE) return this.#here("a property that cannot be read, because its getter throws");
      else if (!isScalar(member)) {
        const inside = this.#look(member);
        if (inside !== undefined) return inside;
      }
    }
    return undefined;
  }

  #look(value: unknown): Unsendable | undefined {
    if (typeof value === "symbol") return this.#here("a symbol");
    if (typeof value === "function") return this.#here(describeFunction(value));
    if (typeof value !== "object" || value === null) return undefined;
    if (handles.has(value)) return this.#here("a handle", "A handle must be an argument of its own.");
    if (this.#seen.has(value)) return this.#seenAgain(value);
    this.#seen.add(value);
    return this.#lookInto(value);
  }

  #lookInto(value: object): Unsendable | undefined {
    if (isProxy(value)) return this.#here("a Proxy", "Send a copy of what is behind it.");
    const proto = prototypeOf(value);
    if (proto === null) this.bare ??= this.#path;
    // It looks like a record; what else has an iterator of its own does not look like it.
    if (Object.hasOwn(value, Symbol.iterator) && Object.prototype.toString.call(value) === "[object Arguments]")
      return this.#here("an arguments object");
    if (proto === null || proto === Object.prototype) return holdsScalars(value) ? undefined : this.#enter(value);
    if (proto === Array.prototype) return this.#enter(value);
    if (value instanceof Map || value instanceof Set || value instanceof Error) return this.#enter(value);
    const memory = ArrayBuffer.isView(value) ? value.buffer : value;
    if (memory instanceof ArrayBuffer) return isGone(memory) ? this.#here("an ArrayBuffer that has been transferred") : undefined;
    if (memory !== value || isOfPlatform(value, ["SharedArrayBuffer"]) !== undefined)
      return this.#here("memory that is shared", "Send a copy of the bytes.");
    if (isOfPlatform(value, CROSSING_CLASSES) !== undefined) return undefined;
    const body = isOfPlatform(value, BODIES);
    if (body === undefined) return this.#here(...describeInstance(value));
    if (isSpent(value)) return this.#here(`a ${body} whose body has been read, or is being read`, "Send its clone(), made before.");
    return body === "Response" ? this.#answer(value as Response) : undefined;
  }

  // What only an HTTP client can be answered with.
  #answer(response: Response): Unsendable | undefined {
    if (response.type === "error") return this.#here("a Response.error()", "Throw an error, or send a Response with a status.");
    return (read(response, "webSocket") ?? null) === null ? undefined : this.#here("a Response with a WebSocket");
  }

  #enter(value: object): Unsendable | undefined {
    if (value instanceof Error) this.#errors++;
    if (this.#way.length + this.#errors * (DEPTH_OF_ERROR - 1) >= MAX_DEPTH) {
      const what = `a value more than ${MAX_DEPTH} levels deep`;
      return { path: `${this.#path.slice(0, 100)}...`, what, instead: "Send it as a list, or as text." };
    }
    this.#way.push(new Members(value));
    return undefined;
  }

  #leave(): void {
    if (this.#way.pop()?.value instanceof Error) this.#errors--;
  }

  // The platform cannot make an error again of which a part is the error itself.
  #seenAgain(value: object): Unsendable | undefined {
    const isCircular = value instanceof Error && this.#way.some((level) => level.value === value);
    return isCircular ? this.#here("an error that leads back to itself", "Leave that property out.") : undefined;
  }

  get #path(): string {
    return this.#way.map((level) => level.step).join("");
  }

  #here(what: string, instead?: string): Unsendable {
    return instead === undefined ? { path: this.#path, what } : { path: this.#path, what, instead };
  }
}

function isGone(memory: ArrayBuffer): boolean {
  return memory.byteLength === 0 && memory.detached;
}

// Whether a body can no longer be sent, because it has been read or somebody reads it.
function isSpent(value: object): boolean {
  const body = read(value, "body");
  if (value instanceof ReadableStream && isDisturbed(value)) return true;
  return (
    read(value, "bodyUsed") === true ||
    read(value, "locked") === true ||
    (typeof body === "object" && body !== null && read(body, "locked") === true)
  );
}

// Nothing else tells: a body cannot be made of a stream that has been read from, and one that is made does not lock it.
function isDisturbed(stream: ReadableStream): boolean {
  try {
    void new Response(stream as never);
    return false;
  } catch {
    return true;
  }
}

function describeFunction(value: object): string {
  const name = read(value, "name");
  return typeof name === "string" && name !== "" ? `the function ${name.slice(0, 100)}` : "a function";
}

function describeInstance(value: object): [what: string, instead?: string] {
  if (RESPONSE_BRAND in value) return ["a DeploymentResponse", "Pass it as an argument of its own, or await it first."];
  if (ITEMS_BRAND in value) return ["the response of a generator method", "Iterate it, and send its items."];
  if (value instanceof URL) return ["a URL", "Send its href."];
  const name = classNameOf(value);
  return [name === undefined ? "an object of a class" : `an instance of ${name}`];
}
