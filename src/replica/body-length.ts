/**
 * Whether a response's body is in memory, or still being made.
 */

// Where workerd shows an inspector how long a body is, which it knows unless user code is still making it. Without
// this every response would have to be watched to its end, at half the cost of a whole request.
const LENGTH = Object.getOwnPropertySymbols(ReadableStream.prototype).find(({ description }) => description === "length");

/** The length of a body in bytes; `undefined` for a stream, and where the platform does not say it. */
export function bodyLength(body: ReadableStream): number | bigint | undefined {
  return LENGTH === undefined ? undefined : (body as unknown as Record<symbol, number | bigint | undefined>)[LENGTH];
}
