/**
 * Two candidates at random, the less loaded first; then two of the rest, and so on.
 */
import type { Policy } from "../policy.ts";

export const powerOfTwoChoices: Policy = ({ candidates, random }, count) => {
  const order: number[] = [];
  const left = candidates.map((_, index) => index);
  const draw = () => {
    const at = Math.floor(random() * left.length);
    const drawn = left[at]!;
    // The last one takes its place: the order of what is left does not matter.
    left[at] = left.at(-1)!;
    left.pop();
    return drawn;
  };
  while (order.length < count && left.length > 0) {
    const first = draw();
    if (left.length === 0) {
      order.push(first);
      break;
    }
    const second = draw();
    const isSecondBetter = candidates[second]!.load < candidates[first]!.load;
    order.push(...(isSecondBetter ? [second, first] : [first, second]));
  }
  return order.slice(0, count);
};
