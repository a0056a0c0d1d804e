/**
 * Thrown values in process: the error codec, the log of a failure, and the HTTP answer to one.
 */
import { serialize } from "node:v8";
import { writeLog } from "../../../src/context/logger.ts";
import { decodeError, encodeError, type WireError } from "../../../src/protocol/error-codec.ts";
import { errorResponse } from "../../../src/protocol/http-error.ts";
import { decodeText, encodeText } from "../../../src/protocol/text-codec.ts";
import { logFailure } from "../../../src/replica/request-log.ts";
import { requestScope } from "../../support/scope.ts";
import { captured } from "../captured-log.ts";
import { isA, makeThrown, type Thrown } from "../errors.ts";
import { arrivesAs } from "./arrives-as.ts";
import { holds, type Kind } from "../kind.ts";

/** What crosses of an error is at most 1 MiB; in memory a character may take two bytes, and members have a frame. */
const MAX_WIRE_BYTES = 2.5 * 1024 * 1024;

/** An error on its way over two hops. */
export const CROSSING_ERROR: Kind<Thrown> = {
  name: "error",
  weight: 18,
  make: makeThrown,
  check(thrown) {
    // Crosses as what it is, between objects only: Node can't clone one.
    if (isA(thrown.value, Response)) return;
    const once = hop(encodeError(thrown.value));
    arrivesAs(once, thrown);
    const twice = hop(encodeError(once));
    arrivesAs(twice, thrown);
    const line = encodeText({ kind: "error", error: encodeError(thrown.value) });
    holds(!line.includes("\n"), "an error is one line of text");
    arrivesAs(decodeError((decodeText(line) as { error: WireError }).error), thrown);
  },
};

function hop(wire: WireError): unknown {
  const bytes = serialize(wire);
  holds(bytes.length <= MAX_WIRE_BYTES, "what crosses of an error is at most 1 MiB", () => bytes.length);
  return decodeError(structuredClone(wire), "Error\n    at caller (file.ts:1:1)");
}

const MAX_LINE_BYTES = 64 * 1024;

/** What the log and the client are told of a failure. */
export const TOLD_ERROR: Kind<Thrown> = {
  name: "failure",
  weight: 10,
  make: makeThrown,
  async check({ value, message }) {
    const scope = requestScope();
    const logs = [
      () => writeLog("ERROR", "it failed", { error: value, nested: [{ error: value }] }, scope),
      () => logFailure(value, scope),
    ];
    for (const log of logs) {
      const lines = captured(log);
      holds(lines.length <= 1, "a failure is one line", () => lines.length);
      for (const line of lines) {
        holds(Buffer.byteLength(line) <= MAX_LINE_BYTES, "a failure's line is at most 64 KiB", () => Buffer.byteLength(line));
        JSON.parse(line);
      }
    }
    const response = errorResponse(value);
    holds(response.status >= 200 && response.status <= 599, "a failure has a status", () => response.status);
    if (isA(value, Response)) return;
    const body = await response.text();
    holds(response.status >= 400, "a failure is answered with 400 to 599", () => response.status);
    if (response.status === 500 && message !== undefined && message.length > 8)
      holds(!body.includes(message), "a client is not told an error's message", () => body);
  },
};
