/**
 * What is passed in the tests of every way to cross, and arrives: add a row, and every way is tried.
 */

/** What arrives as it was, and takes no longer than its size. */
export const CARRIED: Readonly<Record<string, () => unknown>> = {
  "an object whose members share a parent": () => {
    const root: { children: unknown[] } = { children: [] };
    for (let index = 0; index < 60; index++) root.children.push({ parent: root });
    return root;
  },
  "shared objects, forty levels of two": () => {
    let value: unknown = 1;
    for (let level = 0; level < 40; level++) value = { a: value, b: value };
    return value;
  },
  "an array of length 2^32-1": () => {
    const sparse: unknown[] = [];
    sparse[2 ** 32 - 2] = 1;
    return sparse;
  },
  "a key that cannot be made a string": () => new Map([[{ toString: 1, valueOf: 1 }, 1]]),
  "1,000 levels": () => {
    let deep: unknown = 1;
    for (let level = 0; level < 1000; level++) deep = [deep];
    return deep;
  },
  "an error with properties": () => Object.assign(new TypeError("x"), { at: 1, inner: new Error("y") }),
  "a chain of 200 causes": () => chain(200),
  "100,000 numbers": () => Array.from({ length: 100_000 }, (_, n) => n / 3),
  "a dense array with holes": () => Object.assign([1, , 3], { length: 20_000 }), // oxlint-disable-line no-sparse-arrays
  "data of every kind": () => ({
    d: new Date(5),
    r: /x/g,
    m: new Map([[1, new Set(["a"])]]),
    b: new Uint8Array([1, 2]),
    n: 12n,
    u: undefined,
    z: -0,
    nan: NaN,
  }),
};

/** So many errors, each the cause of the next. */
export function chain(length: number): Error {
  let error = new Error("0");
  for (let index = 1; index < length; index++) error = new Error(String(index), { cause: error });
  return error;
}
