/**
 * Object graphs, as hard on readers as JavaScript allows. Runs in Node and in workerd, and gives the same in both.
 *
 * Whoever makes a value says what is in it (its traits), because looking afterwards is what is under test.
 */
import type { Choices } from "./choices.ts";
import { SHAPES } from "./value-shapes.ts";

/** What a graph holds, and so what may become of it. */
export interface Traits {
  /** Something that can't cross: a function, a symbol, an instance of a class, a promise. */
  foreign: boolean;
  /** A Proxy, which looks like what is behind it until it is cloned. */
  proxy: boolean;
  /** Reading it runs code of its own, which may throw. */
  hostile: boolean;
  /** Something that JSON would lose or can't write, by the contract's list. */
  notJson: boolean;
  /** Something that JSON changes, of which the contract says nothing. */
  unspecified: boolean;
  circular: boolean;
  /** Nested deeper than a reader may refuse. */
  deep: boolean;
  /** As a tree it would be larger than any memory. */
  expands: boolean;
  /** A list or text of more than some 100 kB. */
  large: boolean;
  /** Something that structured clone carries, and text does not, or that it changes. */
  notText: boolean;
}

/** A value, and what is in it. */
export interface Made {
  readonly value: unknown;
  readonly traits: Traits;
}

export const noTraits = (): Traits => ({
  foreign: false,
  proxy: false,
  hostile: false,
  notJson: false,
  unspecified: false,
  circular: false,
  deep: false,
  expands: false,
  large: false,
  notText: false,
});

/** What a getter of a hostile value throws. */
export const HOSTILE = "a hostile value was read";

const KEYS = [
  "a", "b", "value", "0", "1", "length", "", "then", "constructor", "toString", "valueOf", "message", "name", "stack", "cause",
  "level", "app", "requestId", "timestamp", "kind", "status", "__proto__", "hasOwnProperty", "prototype", "a b", "é", "\u2028",
  "\ud800", "toJSONish", "-1", "4294967295",
] as const; // prettier-ignore

const TEXTS = [
  "",
  "a",
  "text",
  "\0",
  "\n",
  "é",
  "😀",
  "\ud800",
  "\u2028",
  "</script>",
  '"',
  "\\",
  "%00",
  "__proto__",
  "[object Object]",
] as const;
const NUMBERS = [0, 1, -1, 0.5, -0, NaN, Infinity, -Infinity, 2 ** 31, 2 ** 53, -(2 ** 53), 1e308, 5e-324, 1e21] as const;

/** Makes a value. */
export function makeValue(choices: Choices): Made {
  return new Maker(choices).top();
}

class Document {
  title = "a document";
}

class Maker {
  readonly traits = noTraits();
  readonly #choices: Choices;
  /** Objects that are whole, to be shared, and those under way, to close a circle. */
  readonly #whole: object[] = [];
  readonly #under: object[] = [];
  #nodes: number;

  constructor(choices: Choices) {
    this.#choices = choices;
    this.#nodes = choices.weighted([
      [12, 6],
      [6, 30],
      [1, 300],
    ]);
  }

  top(): Made {
    const shape = this.#choices.weighted(SHAPES_BY_WEIGHT);
    const value = shape === undefined ? this.item(0) : shape(this.#choices, this.traits);
    return { value, traits: this.traits };
  }

  item(depth: number): unknown {
    if (this.#nodes-- <= 0 || depth > 40) return this.#scalar();
    return this.#choices.weighted<(depth: number) => unknown>([
      [8, () => this.#scalar()],
      [8, (d) => this.#record(d)],
      [6, (d) => this.#array(d)],
      [2, (d) => this.#map(d)],
      [2, (d) => this.#set(d)],
      [3, () => this.#leaf()],
      [2, () => this.#again()],
      [1, () => this.#error(depth)],
      [1, () => this.#foreign(depth)],
      [1, (d) => this.#hostile(d)],
    ])(depth + 1);
  }

  #scalar(): unknown {
    const { traits } = this;
    return this.#choices.weighted<() => unknown>([
      [4, () => this.#choices.of(NUMBERS)],
      [4, () => this.#choices.of(TEXTS)],
      [2, () => this.#choices.of([true, false])],
      [1, () => null],
      [1, () => undefined],
      [1, () => ((traits.notJson = true), this.#choices.of([0n, 1n, -(2n ** 70n)]))],
    ])();
  }

  #key(into: object): string {
    const key = this.#choices.of(KEYS);
    // What replaced another member would be in the traits, and not in the value.
    return Object.hasOwn(into, key) || (Array.isArray(into) && /^(\d+|length)$/.test(key)) ? `k${Object.keys(into).length}` : key;
  }

  #members(into: object, most: number, depth: number): void {
    for (let count = this.#choices.below(most + 1); count > 0; count--) {
      const key = this.#key(into);
      if (key === "__proto__") this.traits.notText = true;
      put(into, key, this.item(depth));
    }
  }

  #within<T extends object>(value: T, fill: () => void): T {
    this.#under.push(value);
    fill();
    this.#under.pop();
    this.#whole.push(value);
    return value;
  }

  #record(depth: number): object {
    const record = this.#choices.once(6) ? (Object.create(null) as object) : {};
    return this.#within(record, () => this.#members(record, 5, depth));
  }

  #array(depth: number): unknown[] {
    const array: unknown[] = [];
    return this.#within(array, () => {
      const length = this.#choices.below(6);
      for (let at = 0; at < length; at++) if (!this.#choices.once(12)) array[at] = this.item(depth);
      if (this.#choices.once(20)) {
        this.traits.unspecified = this.traits.notText = true;
        this.#members(array, 2, depth);
      }
    });
  }

  #map(depth: number): Map<unknown, unknown> {
    this.traits.notJson = true;
    const map = new Map<unknown, unknown>();
    return this.#within(map, () => {
      for (let count = this.#choices.below(4); count > 0; count--) {
        const key = this.item(depth);
        // What replaced another entry would be in the traits, and not in the value.
        map.set(map.has(key) ? { again: key } : key, this.item(depth));
      }
    });
  }

  #set(depth: number): Set<unknown> {
    this.traits.notJson = true;
    const set = new Set<unknown>();
    return this.#within(set, () => {
      for (let count = this.#choices.below(4); count > 0; count--) set.add(this.item(depth));
    });
  }

  #leaf(): object {
    const { traits } = this;
    const bytes = () => ((traits.notJson = true), new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]));
    const made = this.#choices.of<() => object>([
      () => new Date(0),
      () => new Date(NaN),
      () => ((traits.notJson = true), /a+/gi),
      () => bytes(),
      () => bytes().subarray(2, 5),
      () => new Float64Array(bytes().buffer),
      () => ((traits.notText = true), new DataView(bytes().buffer, 1, 3)),
      () => ((traits.unspecified = true), bytes().buffer),
      () => ((traits.notText = traits.unspecified = true), Object(1) as object),
      () => ((traits.notText = traits.unspecified = true), Object("boxed") as object),
      () => ((traits.notText = traits.notJson = true), Object(7n) as object),
    ])();
    this.#whole.push(made);
    return made;
  }

  /** Something that is there already: shared, or around this. */
  #again(): unknown {
    const open = this.#under.length;
    const at = this.#choices.below(open + this.#whole.length + 1);
    if (at === 0) return this.#scalar();
    if (at <= open) {
      this.traits.circular = true;
      return this.#under[at - 1];
    }
    return this.#whole[at - 1 - open];
  }

  #error(depth: number): Error {
    this.traits.notJson = true;
    const error = this.#choices.of<() => Error>([() => new Error("an error"), () => new TypeError("a type"), () => new RangeError("")])();
    if (this.#choices.once(3)) put(error, "code", "E_CODE");
    if (this.#choices.once(4)) error.cause = new Error(`a cause at ${depth}`);
    return error;
  }

  #foreign(depth: number): unknown {
    const { traits } = this;
    traits.foreign = true;
    return this.#choices.of<() => unknown>([
      () => () => 1,
      () => Symbol("a symbol"),
      () => new Document(),
      () => new URL("http://a.test/"),
      () => Promise.resolve(1),
      () => new WeakMap(),
      () => Object.create({ inherited: 1 }) as object,
      () => Document,
      () => proxyOf(this.item(depth), traits),
    ])();
  }

  #hostile(depth: number): object {
    this.traits.hostile = true;
    const inner = this.item(depth);
    const refuse = () => {
      throw new Error(HOSTILE);
    };
    return this.#choices.of<() => object>([
      () => Object.defineProperty({}, "a", { get: refuse, enumerable: true }),
      () => ({ toJSON: refuse, inner }),
      () => ({ toString: refuse, valueOf: refuse, inner }),
      () => Object.defineProperty([inner], "0", { get: refuse, enumerable: true }),
      () => ({ [Symbol.toPrimitive]: refuse, inner }),
      () => Object.defineProperty({ inner }, Symbol.toStringTag, { get: refuse }),
      () => Object.defineProperty({ inner }, "constructor", { get: refuse }),
      () => ((this.traits.proxy = true), new Proxy({ inner }, { get: refuse, ownKeys: refuse, getPrototypeOf: refuse, has: refuse })),
      () => ((this.traits.proxy = true), revoked()),
      () => endless(),
    ])();
  }
}

// Each look makes the next object: whoever follows it needs a bound.
function endless(): object {
  return Object.defineProperty({}, "deeper", { get: endless, enumerable: true });
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

function proxyOf(inner: unknown, traits: Traits): object {
  traits.proxy = true;
  return new Proxy(typeof inner === "object" && inner !== null ? inner : { inner }, {});
}

/** Sets a member as a literal would, also one that is called `__proto__`. */
export function put(into: object, key: string, value: unknown): void {
  Object.defineProperty(into, key, { value, enumerable: true, configurable: true, writable: true });
}

const SHAPES_BY_WEIGHT: readonly (readonly [number, ((choices: Choices, traits: Traits) => unknown) | undefined])[] = [
  [SHAPES.length * 24, undefined],
  ...SHAPES.map((shape) => [1, shape] as const),
];
