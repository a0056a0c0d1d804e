/**
 * Checks one range of inputs in process: the loop of the program that `shard.ts` starts.
 */
import { Choices, shrunk } from "./choices.ts";
import { type Failure, failureOf } from "./failure.ts";
import type { Kind } from "./kind.ts";

/** Inputs `from` to `to - 1` of a seed. */
export interface Range {
  readonly seed: number;
  readonly from: number;
  readonly to: number;
  /** Kinds that are left out. */
  readonly without?: readonly string[];
}

/** Who is told how it goes. */
export interface RangeReports {
  /** The check of an input begins. */
  begins(index: number): void;
  /** An input failed; told again when it has been made smaller. */
  failed(failure: Failure): void;
}

/** Which kind the input with this number is: kinds take turns by weight. */
export function kindOf(kinds: readonly Kind[], index: number): Kind {
  const turns = kinds.reduce((sum, { weight }) => sum + weight, 0);
  // A prime step mixes them, so that short runs have some of each.
  let turn = (index * 7919) % turns;
  for (const kind of kinds) {
    if (turn < kind.weight) return kind;
    turn -= kind.weight;
  }
  throw new RangeError("Weights are whole numbers.");
}

/** Runs the checks of a range. Hangs with an input that hangs: whoever started this watches. */
export async function checkRange(kinds: readonly Kind[], { seed, from, to, without = [] }: Range, reports: RangeReports): Promise<void> {
  const known = new Set<string>();
  for (let index = from; index < to; index++) {
    const kind = kindOf(kinds, index);
    if (without.includes(kind.name)) continue;
    const choices = Choices.seeded(seed, kind.name, index);
    const input = kind.make(choices);
    reports.begins(index);
    const failure = await failureOfCheck(kind, index, input);
    if (failure === undefined) continue;
    reports.failed(failure);
    if (known.has(failure.sort)) continue;
    known.add(failure.sort);
    const smaller = await smallest(kind, failure, choices.taken);
    if (smaller !== undefined) reports.failed(smaller);
  }
}

async function failureOfCheck(kind: Kind, index: number, input: unknown): Promise<Failure | undefined> {
  try {
    const checked = kind.check(input);
    if (checked !== undefined) await checked;
    return undefined;
  } catch (thrown) {
    return failureOf(kind.name, index, thrown, input);
  }
}

const ATTEMPTS = 300;
const SHRINK_MS = 800;

async function smallest(kind: Kind, failure: Failure, row: readonly number[]): Promise<Failure | undefined> {
  let best: Failure | undefined;
  const fails = async (candidate: readonly number[]) => {
    const smaller = await failureOfCheck(kind, failure.index, kind.make(Choices.replayed(candidate)));
    if (smaller?.sort !== failure.sort) return false;
    best = smaller;
    return true;
  };
  await shrunk(row, fails, { attempts: ATTEMPTS, untilMs: performance.now() + SHRINK_MS });
  return best;
}
