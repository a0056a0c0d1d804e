/** Two replicas by chance, the better one of them: what differs is what an isolate knows. */
import type { Load } from "../../src/protocol/messages.ts";
import type { Routing, World } from "../simulation/caller.ts";
import { choosing } from "./choosing-caller.ts";

/** Knows how many of its own requests each replica has. */
export const ownInFlight: Routing = choosing("two choices, own in-flight count", ({ random, replicas }) => {
  const inFlight = new Float64Array(replicas.length);
  return {
    choose: () => lessLoaded(random, inFlight),
    sent: (replica) => void inFlight[replica]!++,
    answered: (replica) => void inFlight[replica]!--,
  };
});

/**
 * Knows besides what each replica said of itself in its last answer, however long ago that was: forgetting after 1 s or
 * 5 s makes this baseline many times worse where some replicas are slow, because those answer least often.
 */
export const piggybackedLengths: Routing = choosing("two choices, lengths piggybacked on answers", ({ random, replicas }) => {
  const inFlight = new Float64Array(replicas.length);
  const lengths = new Float64Array(replicas.length);
  const known = (index: number) => Math.max(inFlight[index]!, lengths[index]!);
  return {
    choose: () => lessLoaded(random, { length: replicas.length, at: known }),
    sent: (replica) => void inFlight[replica]!++,
    answered: (replica, load: Load | undefined) => {
      inFlight[replica]!--;
      if (load !== undefined) lengths[replica] = load.ongoing + load.queued;
    },
  };
});

interface Loads {
  readonly length: number;
  at(index: number): number | undefined;
}

function lessLoaded(random: World["random"], loads: Loads): number {
  const first = Math.floor(random() * loads.length);
  // Drawn from the others, and moved past the first.
  let second = Math.floor(random() * (loads.length - 1));
  if (second >= first) second++;
  return loads.length > 1 && loads.at(second)! < loads.at(first)! ? second : first;
}
