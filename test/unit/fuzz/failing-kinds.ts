/** Kinds of input whose checks go wrong in each way that there is: for the test of what watches over them. */
import { holds, type Kind } from "../../fuzz/kind.ts";

const kind = (name: string, check: (input: number) => void | Promise<void>): Kind<number> => ({
  name,
  weight: 1,
  make: (choices) => choices.below(1000),
  check,
});

const forEver = (): boolean => performance.now() > 0;

export const KINDS: readonly Kind[] = [
  kind("well", () => {}),
  kind("broken", (input) => holds(input < 5, "numbers are small", () => input)),
  kind("rejects", async () => {
    throw new TypeError("no");
  }),
  kind("hangs", () => {
    while (forEver());
  }),
  kind("crashes", () => process.exit(3)),
] as readonly Kind[];
