/** One queue for all isolates, and no way between: no routing can do better without knowing the future. */
import type { Caller, Routing, World } from "../simulation/caller.ts";
import type { Job, SimulatedReplica } from "../simulation/replica.ts";

export const sharedQueue: Routing = {
  name: "one queue for all (the bound)",
  callersIn(world) {
    const caller = oneQueue(world);
    return () => caller;
  },
};

function oneQueue({ clock, random, replicas }: World): Caller {
  const free = replicas.flatMap((replica) => Array.from({ length: replica.traits.limits.maxOngoingRequests }, () => replica));
  const waiting: ((replica: SimulatedReplica) => void)[] = [];
  let served = 0;
  const take = (): SimulatedReplica => {
    const at = Math.floor(random() * free.length);
    const taken = free[at]!;
    free[at] = free.at(-1)!;
    free.pop();
    return taken;
  };
  const give = (replica: SimulatedReplica) => {
    if (served === waiting.length) free.push(replica);
    else waiting[served++]!(replica);
  };
  return {
    async call(job: Job) {
      const replica = free.length > 0 ? take() : await new Promise<SimulatedReplica>((resolve) => waiting.push(resolve));
      job.startedAtMs = clock.now();
      await clock.sleep(job.serviceMs * replica.traits.slowness);
      give(replica);
    },
  };
}
