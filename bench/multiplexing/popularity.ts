/** Which model a request asks for. */
import type { Random } from "../simulation/random.ts";

/** Draws from `count` models, of which the n-th is asked for in proportion to 1/n: Zipf's law, as of words and of web pages. */
export function zipf(count: number): (random: Random) => string {
  const sums: number[] = [];
  let sum = 0;
  for (let rank = 1; rank <= count; rank++) sums.push((sum += 1 / rank));
  return (random) => {
    const at = random() * sum;
    let [low, high] = [0, count - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle]! > at) high = middle;
      else low = middle + 1;
    }
    return `model-${low + 1}`;
  };
}

/** The share of requests for the `kept` most popular of `count` models: what one cache of that size could hit at best. */
export function shareOfMostPopular(count: number, kept: number): number {
  const harmonic = (n: number) => Array.from({ length: n }, (_, index) => 1 / (index + 1)).reduce((sum, term) => sum + term, 0);
  return harmonic(Math.min(kept, count)) / harmonic(count);
}
