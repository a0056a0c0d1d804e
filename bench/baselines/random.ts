/** Any replica, by chance. */
import type { Routing } from "../simulation/caller.ts";
import { choosing } from "./choosing-caller.ts";

export const random: Routing = choosing("random", ({ random, replicas }) => ({
  choose: () => Math.floor(random() * replicas.length),
}));
