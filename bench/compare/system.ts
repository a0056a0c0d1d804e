/** What a compared system looks like to the benchmark. */
import type { ProcessTree } from "./process-tree.ts";
import type { ApplicationName } from "./scenarios.ts";

/** A system, installed or not. */
export interface System {
  /** For `--systems` and the results. */
  readonly id: string;
  readonly title: string;
  /** How many replicas the memory of one is measured with: many where they are small, few where each is a process; 1 where there are none. */
  readonly manyReplicas: number;
  /** What was set that is no default, in a sentence without an end. */
  readonly settings: string;
  /** Gets it ready to start; what that takes is not measured. @returns The versions of what it is made of. */
  prepare(workshop: Workshop): Promise<Readonly<Record<string, string>>>;
  /** Starts it, with nothing served yet. */
  start(workshop: Workshop): Promise<Started>;
  /** Why it cannot serve an application; `undefined` if it can. */
  lacks?(application: ApplicationName): string | undefined;
}

/** A system that runs. */
export interface Started extends AsyncDisposable {
  /** Serves an application in place of the one before. @returns Its address, which may not answer yet. */
  serve(application: ApplicationName | "noop-many"): Promise<string>;
  /** Its processes. */
  readonly tree: ProcessTree;
}

/** Where a system may write. */
export interface Workshop {
  /** Gone after the run. */
  readonly temporary: string;
  /** Kept for the next run. */
  readonly kept: string;
  readonly cores: number;
}
