/**
 * What a replica answers with for the value that a method returned.
 *
 * A stream in it is read after the answer has been sent. What is wrong with it then can't be in the answer any more, so the
 * caller asks for it, when the stream breaks off.
 */
import type { Scope } from "../context/scope.ts";
import { type Body, bodyOf, isOfBytes, streamRefusal, watchedStream, withBody } from "../protocol/byte-streams.ts";
import { encodeError, type WireError } from "../protocol/error-codec.ts";
import type { Answer } from "../protocol/messages.ts";
import { isScalar } from "../protocol/plain-data.ts";
import { toSendable } from "../protocol/sendable.ts";
import { logFailure } from "./request-log.ts";

/**
 * The answer for a result.
 *
 * @param subject Names the result for errors, where that is needed: `The result of "Model.embed"`.
 * @param scope Where it is logged why its stream broke off.
 * @throws SerializationError saying where in it the part is that can't cross.
 */
export function resultAnswer(result: unknown, subject: () => string, scope: Scope): Answer {
  if (isScalar(result)) return { kind: "value", value: result };
  const value = toSendable(result, subject());
  const body = bodyOf(value);
  if (body === null || isOfBytes(body)) return { kind: "value", value };
  const { promise, resolve } = Promise.withResolvers<WireError | undefined>();
  const stream = watchedStream(body, {
    refused: (chunk) => streamRefusal(subject(), value as Body, chunk),
    ended(broken) {
      if (broken !== undefined) logFailure(broken.reason, scope);
      resolve(broken === undefined ? undefined : encodeError(broken.reason));
    },
  });
  return { kind: "value", value: withBody(value as Body, stream), source: { reason: () => promise } };
}
