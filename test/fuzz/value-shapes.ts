/**
 * Values that are large, deep or tangled in one respect: each has made some reader slow, or run out of stack.
 */
import type { Choices } from "./choices.ts";
import type { Traits } from "./values.ts";

type Shape = (choices: Choices, traits: Traits) => unknown;

/** Makes such a value, and says what is in it. */
export const SHAPES: readonly Shape[] = [
  function nested(choices, traits) {
    traits.deep = true;
    const wrap = choices.of<(value: unknown) => unknown>([
      (value) => [value],
      (value) => ({ in: value }),
      (value) => ((traits.notJson = true), new Map([["in", value]])),
      (value) => ((traits.notJson = true), new Set([value])),
      (value) => Object.assign(Object.create(null) as object, { in: value }),
    ]);
    let value: unknown = 1;
    for (let depth = choices.of([3000, 500, 5000, 20_000, 100_000]); depth > 0; depth--) value = wrap(value);
    return value;
  },
  function knotted(choices, traits) {
    traits.circular = true;
    const root: { children: unknown[] } = { children: [] };
    for (let count = choices.of([60, 400, 2000]); count > 0; count--) root.children.push({ parent: root });
    return root;
  },
  function allToAll(choices, traits) {
    traits.circular = true;
    const nodes = Array.from({ length: choices.of([12, 60, 150]) }, () => ({ others: [] as unknown[] }));
    for (const node of nodes) node.others = nodes;
    return nodes;
  },
  function doubled(choices, traits) {
    traits.expands = true;
    const pair = choices.of<(value: unknown) => unknown>([
      (value) => ({ a: value, b: value }),
      (value) => [value, value],
      (value) => ((traits.notJson = true), new Map([[value, value]])),
      (value) => Object.assign(Object.create(null) as object, { a: value, b: value }),
    ]);
    let value: unknown = { end: 1 };
    for (let level = 40; level > 0; level--) value = pair(value);
    return value;
  },
  function sparse(choices, traits) {
    traits.large = traits.unspecified = traits.notText = true;
    const array: unknown[] = [];
    array.length = choices.of([2 ** 32 - 1, 100_000]);
    array[array.length - 1] = { last: 1 };
    return choices.once(2) ? { in: array } : array;
  },
  function longList(choices, traits) {
    traits.large = true;
    return Array.from(
      { length: choices.of([50_000, 100_000]) },
      choices.of<(item: unknown, at: number) => unknown>([(_, at) => at, () => ({})]),
    );
  },
  function longText(choices, traits) {
    traits.large = true;
    return { text: choices.of(["x", "é", "\n", "\ud800", '"']).repeat(choices.of([70_000, 2_000_000])) };
  },
  function manyKeys(_, traits) {
    traits.large = true;
    return Object.fromEntries(Array.from({ length: 20_000 }, (_item, at) => [`key${at}`, at]));
  },
  function longKey(choices, traits) {
    traits.large = true;
    return { ["k".repeat(choices.of([1000, 1_000_000]))]: { in: choices.once(2) ? ((traits.foreign = true), () => 1) : 1 } };
  },
  function unspeakableKey(_, traits) {
    traits.notJson = true;
    return new Map<unknown, unknown>([[{ toString: 1, valueOf: 1 }, { in: 1 }]]);
  },
  function unspeakableKeyOfForeign(_, traits) {
    traits.notJson = traits.foreign = true;
    return new Map<unknown, unknown>([[Object.create(null), () => 1]]);
  },
  function largeBytes(_, traits) {
    traits.notJson = traits.large = true;
    return { bytes: new Uint8Array(3_000_000) };
  },
  function manyViews(choices, traits) {
    traits.notJson = traits.large = true;
    const { buffer } = new Uint8Array(1_000_000);
    return Array.from({ length: choices.of([20, 200]) }, (_, at) => new Uint8Array(buffer, at, 1000));
  },
  function deepForeign(choices, traits) {
    traits.foreign = traits.deep = true;
    let value: unknown = choices.of<unknown>([() => 1, Symbol("deep"), new URL("http://a.test/")]);
    for (let depth = choices.of([10, 100, 2000]); depth > 0; depth--) value = depth % 2 === 0 ? { in: value } : [value];
    return value;
  },
];
