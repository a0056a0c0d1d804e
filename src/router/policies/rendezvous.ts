/**
 * Highest-random-weight hashing: equal keys order the replicas alike in every isolate, with nothing shared, and when
 * a replica comes or goes only its own keys move.
 *
 * Bounded load comes from the replicas: one that is full refuses, and the next in the order is tried.
 */
import { hash32 } from "../../protocol/hash.ts";
import type { Policy } from "../policy.ts";

export const rendezvous: Policy = ({ candidates, affinity = "" }, count) =>
  candidates
    .map(({ name }, index) => ({ index, weight: hash32(`${affinity}\n${name}`) }))
    .toSorted((a, b) => b.weight - a.weight || a.index - b.index)
    .slice(0, count)
    .map(({ index }) => index);
