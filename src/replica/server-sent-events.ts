/**
 * Items of a generator as server-sent events, for clients that ask for `text/event-stream`.
 */

/** The content type of an event stream. */
export const EVENT_STREAM = "text/event-stream";

/** Whether an `Accept` header names event streams. A wildcard does not: it would turn every stream into events. */
export function acceptsEvents(accept: string | null): boolean {
  return accept !== null && accept.split(",").some(isEventStream);
}

function isEventStream(range: string): boolean {
  const [type = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
  // A weight of 0 says "not this".
  return type === EVENT_STREAM && !parameters.some((parameter) => /^q\s*=\s*0(?:\.0*)?$/.test(parameter));
}

/** The fields of an event that an item may set. */
const FIELDS = ["event", "data", "id", "retry"] as const;

/**
 * One event: a string or bytes as its text, an object with any of `event`, `data`, `id` and `retry` as these fields,
 * anything else as JSON.
 *
 * @throws TypeError if `retry` is no whole number of milliseconds, or `event` or `id` is neither text nor a number.
 */
export function encodeEvent(item: unknown, toJson: (value: unknown) => string): string {
  if (!hasFields(item)) return `${dataLines(item, toJson)}\n`;
  const { event, data, id, retry } = item;
  return `${line("event", event)}${line("id", id)}${retryLine(retry)}${data === undefined ? "" : dataLines(data, toJson)}\n`;
}

type Fields = Partial<Record<(typeof FIELDS)[number], unknown>>;

function hasFields(item: unknown): item is Fields {
  return typeof item === "object" && item !== null && FIELDS.some((field) => Object.hasOwn(item, field));
}

function dataLines(data: unknown, toJson: (value: unknown) => string): string {
  return textOf(data, toJson)
    .split(/\r\n|\r|\n/)
    .map((text) => `data: ${text}\n`)
    .join("");
}

function textOf(data: unknown, toJson: (value: unknown) => string): string {
  if (typeof data === "string") return data;
  return data instanceof ArrayBuffer || ArrayBuffer.isView(data) ? new TextDecoder().decode(data as ArrayBuffer) : toJson(data);
}

// A line break would end the field, and what follows it would be one of its own.
function line(field: "event" | "id", value: unknown): string {
  if (value === undefined || value === null) return "";
  if (typeof value !== "string" && typeof value !== "number" && typeof value !== "bigint") {
    throw new TypeError(`The ${field} of a server-sent event is a string or a number; it is of type ${typeof value}.`);
  }
  return `${field}: ${String(value).replaceAll(/[\r\n\0]+/g, " ")}\n`;
}

function retryLine(retry: unknown): string {
  if (retry === undefined || retry === null) return "";
  if (!Number.isSafeInteger(retry) || (retry as number) < 0) {
    throw new TypeError("The retry of a server-sent event is a whole number of milliseconds, 0 or more.");
  }
  return `retry: ${retry as number}\n`;
}
