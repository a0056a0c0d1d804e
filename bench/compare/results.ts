/** What a run found out, as it is in `docs/compare.json`. */
import type { Comparison, Footprint } from "./measure.ts";

/** Everything that the page and the plots are made from. */
export interface Results {
  readonly date: string;
  readonly tookSeconds: number;
  readonly machine: Machine;
  readonly plan: { readonly rounds: number; readonly seconds: number; readonly starts: number };
  readonly systems: readonly Participant[];
  /** Systems that could not take part, and why. */
  readonly skipped: Readonly<Record<string, string>>;
  /** What made the load, with versions. */
  readonly load: Readonly<Record<string, string>>;
  readonly comparisons: readonly Comparison[];
  readonly footprints: readonly Footprint[];
}

/** On what it was measured. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly system: string;
  /** How many processes wanted the processor before this began, on average over a minute. */
  readonly loadBefore: number;
}

/** A system that took part. */
export interface Participant {
  readonly id: string;
  readonly title: string;
  readonly manyReplicas: number;
  /** Missing from older results. */
  readonly settings?: string;
  readonly versions: Readonly<Record<string, string>>;
}
