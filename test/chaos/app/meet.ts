/**
 * A rendezvous: shows that as many requests run at once as there are slots.
 */
import { sleep } from "./acts.ts";

/** How many runs of a rendezvous are here. All objects share the isolate's globals locally. */
const arrived = new Map<string, number>();
const RENDEZVOUS_MS = 10_000;

/** Answers whether as many runs as expected of the same deployment were here at once. */
export async function meet(token: string, count: number): Promise<boolean> {
  arrived.set(token, (arrived.get(token) ?? 0) + 1);
  for (let waitedMs = 0; waitedMs < RENDEZVOUS_MS; waitedMs += 10) {
    if (arrived.get(token)! >= count) return true;
    await sleep(10);
  }
  return false;
}

/** Forgets a rendezvous. */
export function part(token: string): void {
  arrived.delete(token);
}
