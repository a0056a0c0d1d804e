/**
 * What every way of routing has in common: it makes callers, one for each isolate.
 */
import type { VirtualClock } from "./clock.ts";
import type { Random } from "./random.ts";
import type { Job, SimulatedReplica } from "./replica.ts";

/** What callers find. */
export interface World {
  readonly clock: VirtualClock;
  readonly replicas: readonly SimulatedReplica[];
  readonly random: Random;
}

/** The routing of one isolate; knows what it saw itself, and nothing of other isolates. */
export interface Caller {
  /** Resolves when the job is done; rejects if it was refused or lost. */
  call(job: Job): Promise<void>;
}

/** A way of routing. */
export interface Routing {
  readonly name: string;
  /** Makes the caller of one more isolate. */
  callersIn(world: World): () => Caller;
}
