/**
 * Highest-random-weight hashing: equal keys order the replicas alike in every isolate, with nothing shared, and when
 * a replica comes or goes only its own keys move.
 *
 * Bounded load comes from the replicas: one that is full refuses, and the next in the order is tried.
 */
import type { Policy } from "../policy.ts";

export const rendezvous: Policy = ({ candidates, affinity = "" }, count) =>
  candidates
    .map(({ name }, index) => ({ index, weight: hash(`${affinity}\n${name}`) }))
    .toSorted((a, b) => b.weight - a.weight || a.index - b.index)
    .slice(0, count)
    .map(({ index }) => index);

/** FNV-1a, then the finaliser of MurmurHash3, without which names that differ in one digit stay close together. */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) h = Math.imul(h ^ text.charCodeAt(index), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
