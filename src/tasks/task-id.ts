/**
 * Names that are wire format: a task's id, the object that holds it, and what makes two enqueues one task.
 *
 * The object is part of the id, so whoever has an id knows whom to ask. A change here loses tasks.
 */
import type { Jurisdiction } from "../protocol/manifest.ts";
import { NAME_PATTERN } from "../protocol/names.ts";

/** Among how many objects the tasks of an application are divided, in each place. */
export const SHARDS = 8;

/** Where shards are: in no jurisdiction in particular, or in one of these. Each has the next {@link SHARDS} numbers. Grows at its end only. */
const PLACES: readonly (Jurisdiction | undefined)[] = [undefined, "eu", "us", "fedramp", "fedramp-high"];

/** What a task's id says. */
export interface TaskAddress {
  readonly app: string;
  readonly shard: number;
}

const TIME_DIGITS = 9;
const COUNT_DIGITS = 3;
const CHANCE_DIGITS = 10;
const MOST_AT_ONCE = 36 ** COUNT_DIGITS;
const ID = new RegExp(`^([^.]+)\\.(0|[1-9]\\d{0,3})\\.([0-9a-z]{${TIME_DIGITS + COUNT_DIGITS + CHANCE_DIGITS}})$`);

let latestMs = 0;
let count = 0;

/**
 * `<app>.<shard>.<time, count, chance>`: unique, and later ones of an isolate sort behind earlier ones.
 *
 * Whoever enqueues makes it, so that an enqueue whose answer was lost can be sent again.
 */
export function newTaskId({ app, shard }: TaskAddress, nowMs: number, random: () => number): string {
  if (nowMs > latestMs) [latestMs, count] = [nowMs, 0];
  else if (++count === MOST_AT_ONCE) [latestMs, count] = [latestMs + 1, 0];
  return `${app}.${shard}.${digits(latestMs, TIME_DIGITS)}${digits(count, COUNT_DIGITS)}${digits(Math.floor(random() * 36 ** CHANCE_DIGITS), CHANCE_DIGITS)}`;
}

function digits(value: number, length: number): string {
  return value.toString(36).padStart(length, "0");
}

/** Reads an id that {@link newTaskId} made; `undefined` for any other text. */
export function parseTaskId(id: string): (TaskAddress & { readonly unique: string }) | undefined {
  const match = ID.exec(id);
  if (match === null) return undefined;
  const [, app = "", shard, unique = ""] = match;
  return NAME_PATTERN.test(app) ? { app, shard: Number(shard), unique } : undefined;
}

/** `tasks/<app>/<shard>`: the name of the object that holds the tasks of a shard. */
export function shardName({ app, shard }: TaskAddress): string {
  return `tasks/${app}/${shard}`;
}

/** Reads what {@link shardName} wrote; `undefined` for any other text. */
export function parseShardName(name: string): TaskAddress | undefined {
  const match = /^tasks\/([^/]+)\/(0|[1-9]\d{0,3})$/.exec(name);
  return match === null ? undefined : { app: match[1]!, shard: Number(match[2]) };
}

/** What an idempotency key belongs to. */
export interface IdentityParts {
  readonly deployment: string;
  readonly method?: string | undefined;
  readonly key?: string | undefined;
  readonly idempotencyKey: string;
}

/** What two enqueues have in common that are one task. */
export function identityOf({ deployment, method, key, idempotencyKey }: IdentityParts): string {
  // The default method has one name, however it was called.
  return JSON.stringify([deployment, method === "call" ? null : (method ?? null), key ?? null, idempotencyKey]);
}

/**
 * The shard for an enqueue: by chance, or where all those with its identity are.
 *
 * @param identity By {@link identityOf}.
 * @param jurisdiction Of the deployment: what is stored for it stays there.
 */
export function shardFor(identity: string | undefined, random: () => number, jurisdiction?: Jurisdiction): number {
  return firstIn(jurisdiction) + (identity === undefined ? Math.floor(random() * SHARDS) : hash(identity) % SHARDS);
}

/** The shards of a place. */
export function shardsIn(jurisdiction: Jurisdiction | undefined): number[] {
  return Array.from({ length: SHARDS }, (_, index) => firstIn(jurisdiction) + index);
}

/** Where a shard's object is; `undefined` as the jurisdiction is none in particular, and no answer at all where there is no such shard. */
export function placeOfShard(shard: number): { readonly jurisdiction: Jurisdiction | undefined } | undefined {
  const place = Math.floor(shard / SHARDS);
  return place < PLACES.length ? { jurisdiction: PLACES[place] } : undefined;
}

function firstIn(jurisdiction: Jurisdiction | undefined): number {
  return PLACES.indexOf(jurisdiction) * SHARDS;
}

// FNV-1a, with its bits mixed at the end: the last ones alone depend on few of the text's.
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  return (value ^ (value >>> 13)) >>> 0;
}
