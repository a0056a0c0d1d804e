/**
 * What is asked, in which shares. A request is whatever a replica runs: an HTTP request, and each call that it makes.
 */

/** How a request is sent. */
export type Manner = "http" | "reset" | "socket";

/** One HTTP request, and how many requests it stands for. */
export interface Asked {
  readonly kind: string;
  readonly path: string;
  readonly headers: string;
  readonly manner: Manner;
  readonly requests: number;
  /** The statuses that are right. */
  readonly status: number;
}

/** How many different session ids, keys and model ids there are. */
export const DIFFERENT = 100_000;

const CALLS = 20;
const ITEMS = 20;

type Make = (ordinal: number) => Omit<Asked, "kind" | "manner" | "status"> & Partial<Pick<Asked, "manner" | "status">>;

const calls = (path: string, ordinal: number) => ({
  path: `/main/${path}?number=${(ordinal * CALLS) % DIFFERENT}&count=${CALLS}`,
  headers: "",
  requests: 1 + CALLS,
});

/** Each kind, and how often it comes in all turns; it is made of how often it came before. */
const KINDS: Readonly<Record<string, readonly [times: number, make: Make]>> = {
  http: [20, () => ({ path: "/main", headers: "", requests: 1 })],
  session: [100, (ordinal) => ({ path: "/main", headers: `x-session-id: session ${ordinal % DIFFERENT}\r\n`, requests: 1 })],
  model: [
    40,
    (ordinal) => ({ path: "/models-by-http", headers: `serve-multiplexed-model-id: model ${ordinal % DIFFERENT}\r\n`, requests: 1 }),
  ],
  calls: [10, (ordinal) => calls("calls", ordinal)],
  keyed: [10, (ordinal) => calls("keyed", ordinal)],
  limited: [5, (ordinal) => calls("limited", ordinal)],
  models: [5, (ordinal) => calls("models", ordinal)],
  batched: [5, (ordinal) => calls("batched", ordinal)],
  failing: [1, (ordinal) => calls("failing", ordinal)],
  stream: [5, () => ({ path: `/main/stream?count=${ITEMS}`, headers: "", requests: 2 })],
  error: [2, (ordinal) => ({ path: `/main/throw?number=${ordinal}`, headers: "", requests: 1, status: 500 })],
  missing: [1, (ordinal) => ({ path: `/nowhere/${ordinal}`, headers: "", requests: 1, status: 404 })],
  cancelled: [1, () => ({ path: "/main/slow", headers: "", requests: 1, manner: "reset" })],
  socket: [1, () => ({ path: "/main/socket", headers: "", requests: 1, manner: "socket", status: 101 })],
  objects: [1, (ordinal) => calls("objects", ordinal)],
};

/** What only a system of its own answers. */
const APART: ReadonlySet<string> = new Set(["objects"]);

interface Turn {
  readonly kind: string;
  /** How often the kind came in the turns before. */
  readonly before: number;
}

// Each kind all over the turns, always in the same order: the step has no divisor in common with the number of turns.
function spread(kinds: readonly string[]): Turn[] {
  const step = [7, 11, 13].find((prime) => kinds.length % prime !== 0)!;
  const seen: Record<string, number> = {};
  return kinds.map((_, at) => {
    const kind = kinds[(at * step) % kinds.length]!;
    const before = seen[kind] ?? 0;
    seen[kind] = before + 1;
    return { kind, before };
  });
}

/**
 * Gives the HTTP request with a number.
 *
 * @param only These kinds and no others, to find out which of them something comes from; all by default.
 * @throws RangeError if there is no such kind.
 */
export function mixOf(only: readonly string[] = Object.keys(KINDS).filter((kind) => !APART.has(kind))): (number: number) => Asked {
  const unknown = only.find((kind) => !Object.hasOwn(KINDS, kind));
  if (unknown !== undefined)
    throw new RangeError(`There is no kind ${JSON.stringify(unknown)}. Available: ${Object.keys(KINDS).join(", ")}.`);
  const turns = spread(only.flatMap((kind) => Array.from({ length: KINDS[kind]![0] }, () => kind)));
  return (number) => {
    const { kind, before } = turns[number % turns.length]!;
    const [times, make] = KINDS[kind]!;
    return { kind, manner: "http", status: 200, ...make(Math.floor(number / turns.length) * times + before) };
  };
}
