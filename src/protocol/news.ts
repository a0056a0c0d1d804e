/**
 * A replica set as the text of a header, which is short however many replicas there are.
 *
 * Names follow from numbers: `0-99,7.1` are the replicas 0 to 99 and the second incarnation of replica 7, and replicas
 * are spread over `places` by their number. A set whose names do not follow so is written in full.
 *
 * Invariants:
 *   N1. What is read is what was written, in its order.
 *   N2. The text is ASCII, as a header must be.
 */
import { parseReplicaId, type ReplicaId, formatReplicaId } from "./names.ts";
import type { ReplicaRef, ReplicaSet } from "./replica-set.ts";

interface Short extends Omit<ReplicaSet, "replicas" | "spill"> {
  readonly of: readonly [app: string, deployment: string];
  readonly places: readonly string[];
  readonly replicas: string;
  readonly spill: string;
}

/** Nobody repeats location hints in a longer pattern. */
const MAX_PLACES = 64;

const texts = new WeakMap<ReplicaSet, string>();

/** Writes a set; once for each object, which must not change. */
export function encodeSet(set: ReplicaSet): string {
  const known = texts.get(set);
  if (known !== undefined) return known;
  const text = JSON.stringify(shortened(set) ?? set).replaceAll(/[^ -~]/g, escaped);
  texts.set(set, text);
  return text;
}

/** Reads what {@link encodeSet} wrote. */
export function decodeSet(text: string): ReplicaSet {
  const read = JSON.parse(text) as ReplicaSet | Short;
  if (!("of" in read)) return read;
  const { of, places, replicas, spill, ...rest } = read;
  return { ...rest, replicas: refsOf(replicas, of, places), spill: refsOf(spill, of, places) };
}

/** A character as JSON may write it in ASCII. */
export function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

function shortened(set: ReplicaSet): Short | undefined {
  const { replicas, spill, ...rest } = set;
  const ids = [...replicas, ...spill].map(idOf);
  const [first] = ids;
  if (first === undefined || !ids.every((id) => id?.app === first.app && id.deployment === first.deployment)) return undefined;
  const places = placesOf(ids as ReplicaId[]);
  if (places === undefined) return undefined;
  const of = [first.app, first.deployment] as const;
  const [inSet, beyond] = [ids.slice(0, replicas.length), ids.slice(replicas.length)] as [ReplicaId[], ReplicaId[]];
  return { ...rest, of, places, replicas: numbersOf(inSet), spill: numbersOf(beyond) };
}

// Only what reading makes of the name again.
function idOf({ name, locationHint }: ReplicaRef): ReplicaId | undefined {
  const id = parseReplicaId(name);
  return id?.location === (locationHint ?? "-") ? id : undefined;
}

/** The shortest pattern in which the replicas' numbers give their places. */
function placesOf(ids: readonly ReplicaId[]): string[] | undefined {
  for (let length = 1; length <= MAX_PLACES; length++) {
    const places = Array.from({ length }, () => "-");
    for (const { ordinal, location } of ids) places[ordinal % length] = location;
    if (ids.every(({ ordinal, location }) => places[ordinal % length] === location)) return places;
  }
  return undefined;
}

function numbersOf(ids: readonly ReplicaId[]): string {
  const ranges: string[] = [];
  for (let from = 0, to = 0; from < ids.length; from = to) {
    const { ordinal, incarnation } = ids[from]!;
    to = from + 1;
    if (incarnation === 0) while (ids[to]?.incarnation === 0 && ids[to]!.ordinal === ordinal + to - from) to++;
    if (incarnation > 0) ranges.push(`${ordinal}.${incarnation}`);
    else ranges.push(to - from === 1 ? `${ordinal}` : `${ordinal}-${ordinal + to - from - 1}`);
  }
  return ranges.join(",");
}

function refsOf(numbers: string, [app, deployment]: Short["of"], places: readonly string[]): ReplicaRef[] {
  if (numbers === "") return [];
  return numbers.split(",").flatMap((range) => {
    const [first = 0, last = first] = range.split("-").map((text) => Number.parseInt(text, 10));
    const incarnation = Number(range.split(".")[1] ?? 0);
    return Array.from({ length: last - first + 1 }, (_, index) => {
      const ordinal = first + index;
      const location = places[ordinal % places.length]!;
      const name = formatReplicaId({ app, deployment, location, ordinal, incarnation });
      return location === "-" ? { name } : { name, locationHint: location };
    });
  });
}
