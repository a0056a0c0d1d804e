/** One after the other; each isolate begins somewhere else. */
import type { Routing } from "../simulation/caller.ts";
import { choosing } from "./choosing-caller.ts";

export const roundRobin: Routing = choosing("round robin per isolate", ({ random, replicas }) => {
  let next = Math.floor(random() * replicas.length);
  return { choose: () => next++ % replicas.length };
});
