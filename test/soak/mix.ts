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

type Make = (number: number) => Omit<Asked, "kind" | "manner" | "status"> & Partial<Pick<Asked, "manner" | "status">>;

/** Each kind, and how often it comes in `TURNS` turns. */
const KINDS: Readonly<Record<string, readonly [times: number, make: Make]>> = {
  http: [40, () => ({ path: "/main", headers: "", requests: 1 })],
  session: [80, (number) => ({ path: "/main", headers: `x-session-id: session ${number % DIFFERENT}\r\n`, requests: 1 })],
  model: [
    40,
    (number) => ({ path: "/models-by-http", headers: `serve-multiplexed-model-id: model ${number % DIFFERENT}\r\n`, requests: 1 }),
  ],
  calls: [10, (number) => ({ path: `/main/calls?number=${number}&count=${CALLS}`, headers: "", requests: 1 + CALLS })],
  keyed: [
    10,
    (number) => ({ path: `/main/keyed?number=${(number * CALLS) % DIFFERENT}&count=${CALLS}`, headers: "", requests: 1 + CALLS }),
  ],
  models: [
    5,
    (number) => ({ path: `/main/models?number=${(number * CALLS) % DIFFERENT}&count=${CALLS}`, headers: "", requests: 1 + CALLS }),
  ],
  batched: [5, (number) => ({ path: `/main/batched?number=${number}&count=${CALLS}`, headers: "", requests: 1 + CALLS })],
  failing: [1, (number) => ({ path: `/main/failing?number=${number}&count=${CALLS}`, headers: "", requests: 1 + CALLS })],
  stream: [5, () => ({ path: `/main/stream?count=${ITEMS}`, headers: "", requests: 2 })],
  error: [2, (number) => ({ path: `/main/throw?number=${number}`, headers: "", requests: 1, status: 500 })],
  missing: [1, (number) => ({ path: `/nowhere/${number}`, headers: "", requests: 1, status: 404 })],
  cancelled: [1, () => ({ path: "/main/slow", headers: "", requests: 1, manner: "reset" })],
  socket: [1, () => ({ path: "/main/socket", headers: "", requests: 1, manner: "socket", status: 101 })],
};

const TURNS: readonly string[] = spread(Object.entries(KINDS).flatMap(([kind, [times]]) => Array.from({ length: times }, () => kind)));

// Each kind all over the turns, always in the same order.
function spread(kinds: readonly string[]): string[] {
  const step = kinds.length % 7 === 0 ? 11 : 7;
  return kinds.map((_, at) => kinds[(at * step) % kinds.length]!);
}

/** The HTTP request with this number. */
export function askedAt(number: number): Asked {
  const kind = TURNS[number % TURNS.length]!;
  return { kind, manner: "http", status: 200, ...KINDS[kind]![1](number) };
}
