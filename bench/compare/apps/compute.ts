/** Work for a processor, the same as in `compute.py`: as many rounds as take a given time when nothing else runs. */

/** Computes for that many rounds. */
export function spin(rounds: number): number {
  let x = 1;
  for (let round = 0; round < rounds; round++) x = (x * 48271) % 2147483647;
  return x;
}

/** How many rounds take so long. The fastest of many tries tells: what else runs only slows a try down. */
export function roundsFor(ms: number): number {
  const tries = Array.from({ length: 30 }, () => {
    const startedAtMs = performance.now();
    spin(500_000);
    return performance.now() - startedAtMs;
  });
  return Math.round((500_000 * ms) / Math.min(...tries));
}
