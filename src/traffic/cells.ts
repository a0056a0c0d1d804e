/**
 * Who gets which request of a prefix: a map of 10,000 cells, each worth 0.01 % of the requests.
 *
 * A sticky value has its cell by its hash, any other request draws one. Isolates agree if they
 * have the same map, and nothing is stored per value.
 *
 * Invariants:
 *   L1. Each application has exactly its percentage of the cells.
 *   L2. A cell changes hands only from an application whose share shrinks to one whose share grows.
 *   L3. No more cells change hands than shares have changed by.
 */
import { hash32 } from "../protocol/hash.ts";
import type { CellMap, Share } from "../protocol/traffic.ts";

/** How many cells there are. */
export const CELLS = 10_000;

/** How many cells a percentage is worth; the percentage has at most two decimals. */
export function cellsOf(percent: number): number {
  return Math.round(percent * (CELLS / 100));
}

/** How many percent a number of cells is worth. */
export function percentOf(cells: number): number {
  return cells / (CELLS / 100);
}

/** The cell of a sticky value. Salted with the prefix, so that the first 5 % of one route are others than those of the next. */
export function cellOfValue(prefix: string, value: string): number {
  return Math.floor((hash32(`${prefix}\n${value}`) / 2 ** 32) * CELLS);
}

/** The cell of a request that is drawn by itself. @param random From 0 to 1, 1 excluded. */
export function drawnCell(random: number): number {
  return Math.floor(random * CELLS);
}

interface Run {
  /** `undefined` between two owners. */
  owner: string | undefined;
  length: number;
}

/**
 * The map that gives each application its share.
 *
 * @param before The map that is in force, from which as little as possible is moved; `undefined` for a new prefix.
 * @throws `RangeError` if the shares don't add up to 100, or name an application twice.
 */
export function reshare(before: CellMap | undefined, shares: readonly Share[]): CellMap {
  const wanted = new Map(shares.map(({ application, percent }) => [application, cellsOf(percent)]));
  const sum = [...wanted.values()].reduce((total, cells) => total + cells, 0);
  if (sum !== CELLS || wanted.size !== shares.length) {
    throw new RangeError(`Shares must be of different applications and add up to 100, got ${JSON.stringify(shares)}.`);
  }
  const runs: Run[] = before === undefined ? [{ owner: undefined, length: CELLS }] : runsOf(before);
  const surplus = new Map<string, number>();
  for (const { owner, length } of runs) {
    if (owner !== undefined) surplus.set(owner, (surplus.get(owner) ?? -(wanted.get(owner) ?? 0)) + length);
  }
  const missing = [...wanted].map(([owner, cells]) => ({ owner, cells: -(surplus.get(owner) ?? -cells) })).filter(({ cells }) => cells > 0);
  const growing = new Set<string | undefined>([undefined, ...missing.map(({ owner }) => owner)]);
  const freed = [...surplus].reduce((left, [owner, cells]) => (cells > 0 ? taken(left, { owner, cells }, growing) : left), runs);
  return mapOf(filled(freed, missing), [...wanted.keys()]);
}

/**
 * The runs with some cells of an owner's given up. Its shortest runs go first, so that what earlier changes have scattered
 * vanishes again, and at most one run is cut.
 */
function taken(runs: readonly Run[], { owner, cells }: { owner: string; cells: number }, growing: ReadonlySet<string | undefined>): Run[] {
  let left = cells;
  const gone = new Map<Run, number>();
  for (const run of runs.filter((run) => run.owner === owner).toSorted((a, b) => a.length - b.length)) {
    const length = Math.min(run.length, left);
    if (length > 0) gone.set(run, length);
    left -= length;
  }
  return runs.flatMap((run, index) => {
    const length = gone.get(run);
    if (length === undefined) return [run];
    const kept = { owner, length: run.length - length };
    const free = { owner: undefined, length };
    // Cut at the side of one that grows, it makes no new run.
    return index > 0 && growing.has(runs[index - 1]!.owner) ? [free, kept] : [kept, free];
  });
}

function filled(runs: readonly Run[], missing: readonly { readonly owner: string; cells: number }[]): Run[] {
  return runs.flatMap((run) => {
    if (run.owner !== undefined) return [run];
    const parts: Run[] = [];
    for (const one of missing) {
      const length = Math.min(one.cells, run.length - parts.reduce((total, part) => total + part.length, 0));
      one.cells -= length;
      parts.push({ owner: one.owner, length });
    }
    return parts;
  });
}

function runsOf({ applications, runs }: CellMap): Run[] {
  const list: Run[] = [];
  for (let at = 0; at < runs.length; at += 2) list.push({ owner: applications[runs[at]!]!, length: runs[at + 1]! });
  return list;
}

function mapOf(list: readonly Run[], applications: readonly string[]): CellMap {
  const runs: number[] = [];
  for (const { owner, length } of list) {
    const index = applications.indexOf(owner!);
    if (length === 0) continue;
    if (runs.at(-2) === index) runs[runs.length - 1]! += length;
    else runs.push(index, length);
  }
  return { applications, runs };
}

/** The owner of each cell, in order. */
export function decodeCells(map: CellMap): string[] {
  return runsOf(map).flatMap(({ owner, length }) => Array.from({ length }, () => owner!));
}

/** The map in which each cell has its owner. */
export function encodeCells(owners: readonly string[]): CellMap {
  return mapOf(
    owners.map((owner) => ({ owner, length: 1 })),
    [...new Set(owners)],
  );
}

/** How many cells an application has. */
export function cellsIn({ applications, runs }: CellMap, application: string): number {
  let cells = 0;
  for (let at = 0; at < runs.length; at += 2) if (applications[runs[at]!] === application) cells += runs[at + 1]!;
  return cells;
}

/** Looks cells up. Made once for a map: the lookup of a request allocates nothing. */
export class CellLookup {
  /** The cell after the last of each run. */
  readonly #ends: readonly number[];
  readonly #owners: readonly string[];

  constructor(map: CellMap) {
    const runs = runsOf(map);
    let end = 0;
    this.#ends = runs.map(({ length }) => (end += length));
    this.#owners = runs.map(({ owner }) => owner!);
  }

  /** The application that has a cell. @param cell From 0 to 9,999. */
  ownerOf(cell: number): string {
    let low = 0;
    let high = this.#ends.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (cell < this.#ends[middle]!) high = middle;
      else low = middle + 1;
    }
    return this.#owners[low]!;
  }
}
