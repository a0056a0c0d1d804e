/**
 * Values in process: the sendable check, the text codec, the logger and the JSON answer.
 *
 * `structuredClone` is the judge of what a value is; the traits of the value say what may become of it.
 */
import { writeLog } from "../../../src/context/logger.ts";
import { RequestScope, type Scope } from "../../../src/context/scope.ts";
import { SerializationError } from "../../../src/protocol/errors.ts";
import { toSendable } from "../../../src/protocol/sendable.ts";
import { decodeText, encodeText } from "../../../src/protocol/text-codec.ts";
import { toResponse } from "../../../src/replica/http-response.ts";
import { replicaScope, requestMeta } from "../../support/scope.ts";
import { captured } from "../captured-log.ts";
import { brief, holds, type Kind } from "../kind.ts";
import { isMisread } from "../misread.ts";
import { difference } from "../same.ts";
import { HOSTILE, type Made, makeValue } from "../values.ts";

type Outcome = { readonly value: unknown } | { readonly thrown: unknown };

function attempt(act: () => unknown): Outcome {
  try {
    return { value: act() };
  } catch (thrown) {
    return { thrown };
  }
}

const isClean = ({ traits: { foreign, proxy, hostile } }: Made) => !foreign && !proxy && !hostile;

// What a getter, a trap or a method of the value throws is the author's own.
function isOfTheValue(thrown: unknown): boolean {
  const message = thrown instanceof Error ? thrown.message : "";
  return message.includes(HOSTILE) || message.includes("has been revoked") || message.includes("on proxy:");
}

/** A refusal is one of ours, or what the value itself threw; never a mishap on the way. */
function isRefusal(thrown: unknown, { traits }: Made): boolean {
  return thrown instanceof SerializationError || (traits.hostile && isOfTheValue(thrown));
}

/** The check before a value crosses. */
export const SENDABLE: Kind<Made> = {
  name: "sendable",
  weight: 22,
  make: makeValue,
  check(made) {
    const { value, traits } = made;
    const sent = attempt(() => toSendable(value, "The value"));
    if ("thrown" in sent) {
      holds(isRefusal(sent.thrown, made), "toSendable refuses with SerializationError only", () => sent.thrown);
      holds(!isClean(made) || traits.deep, "toSendable takes what structured clone carries", () => sent.thrown);
      return;
    }
    holds(!traits.foreign || traits.proxy, "toSendable refuses what can't cross", () => value);
    if (!isClean(made)) return;
    const [original, arrived] = [attempt(() => structuredClone(value)), attempt(() => structuredClone(sent.value))];
    if ("thrown" in original) return;
    holds("value" in arrived, "what toSendable gives can be cloned", () => (arrived as { thrown: unknown }).thrown);
    const differs = difference(original.value, arrived.value);
    holds(differs === undefined, "what toSendable gives clones like the value", () => differs);
  },
};

/** A value as text, for calls from outside. */
export const TEXT: Kind<Made> = {
  name: "text",
  weight: 12,
  make: makeValue,
  check(made) {
    const { value, traits } = made;
    const checked = attempt(() => toSendable(value, "The value"));
    if ("thrown" in checked) return;
    const encoded = attempt(() => encodeText({ kind: "value", value: checked.value }));
    if ("thrown" in encoded) {
      holds(!isClean(made) || traits.deep || traits.notText, "encodeText writes what structured clone carries", () => encoded.thrown);
      holds(!(encoded.thrown instanceof RangeError), "encodeText does not run out of stack", () => encoded.thrown);
      return;
    }
    const text = encoded.value as string;
    holds(!text.includes("\n"), "encodeText writes one line");
    const decoded = attempt(() => (decodeText(text) as { value: unknown }).value);
    holds("value" in decoded, "decodeText reads what encodeText wrote", () => (decoded as { thrown: unknown }).thrown);
    if (!isClean(made) || traits.notText) return;
    const original = attempt(() => structuredClone(value));
    if ("thrown" in original) return;
    const differs = difference(original.value, decoded.value);
    if (differs !== undefined && isMisread(text)) return;
    holds(differs === undefined, "text gives the value back", () => differs);
  },
};

const REPLICA: Scope = {
  replica: { ...replicaScope(), logging: { level: "DEBUG", accessLog: false } },
  request: new RequestScope(requestMeta({ requestId: "r1", routePrefix: "/fuzz" })),
};
const MAX_LINE_BYTES = 64 * 1024;

/** A line of the log with a value as its fields, and as one of them. */
export const LOGGED: Kind<Made> = {
  name: "log",
  weight: 22,
  make: makeValue,
  check({ value, traits }) {
    const asFields = typeof value === "object" && value !== null;
    for (const fields of asFields ? [{ field: value }, value] : [{ field: value }]) {
      const lines = captured(() => writeLog("WARNING", "the message", fields as Record<string, unknown>, REPLICA));
      holds(lines.length === 1, "a log call writes one line", () => lines.length);
      const line = lines[0]!;
      holds(Buffer.byteLength(line) <= MAX_LINE_BYTES, "a log line is at most 64 KiB", () => Buffer.byteLength(line));
      const read = attempt(() => JSON.parse(line) as Record<string, unknown>);
      holds("value" in read, "a log line is JSON", () => line);
      const own = read.value as Record<string, unknown>;
      holds(own["message"] === "the message" && own["level"] === "WARNING", "fields don't replace the line's own", () => line);
      holds(
        own["requestId"] === "r1" && own["route"] === "/fuzz" && own["app"] === "news",
        "fields don't replace who wrote it",
        () => line,
      );
      const isWritten = "field" in own || fields === value || !isJsonAlone(value);
      holds(traits.hostile || traits.proxy || traits.large || isWritten, "a field is written", () => line);
    }
  },
};

// As members of an object, the others are left out by JSON.
function isJsonAlone(value: unknown): boolean {
  return value !== undefined && typeof value !== "function" && typeof value !== "symbol";
}

/** An HTTP handler's result. */
export const ANSWER: Kind<Made> = {
  name: "answer",
  weight: 12,
  make: makeValue,
  async check(made) {
    const { value, traits } = made;
    const answered = await toResponseOf(value);
    if ("thrown" in answered) {
      holds(isRefusal(answered.thrown, made), "toResponse refuses with SerializationError only", () => answered.thrown);
      const isJson = isClean(made) && !traits.notJson && !traits.circular;
      holds(!isJson || traits.deep || traits.expands || traits.large, "toResponse writes what JSON carries", () => answered.thrown);
      return;
    }
    const response = answered.value as Response;
    if (!isPlain(value)) return;
    holds(!(traits.notJson && !traits.unspecified && isClean(made)), "toResponse refuses what JSON would lose", () => brief(value));
    if (!isClean(made) || traits.expands || traits.unspecified || traits.circular) return;
    const expected = attempt(() => JSON.stringify(value));
    if (!("value" in expected) || expected.value === undefined) return;
    holds((await response.text()) === expected.value, "toResponse writes JSON as JSON.stringify does");
  },
};

async function toResponseOf(value: unknown): Promise<Outcome> {
  try {
    return { value: await toResponse(value, REPLICA) };
  } catch (thrown) {
    return { thrown };
  }
}

// Others have an answer of their own: text, bytes, nothing, streams.
function isPlain(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return Array.isArray(value) || [Object.prototype, null].includes(Object.getPrototypeOf(value) as object | null);
}
