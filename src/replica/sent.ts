/**
 * Knows when the last byte of a response has been sent: a streamed one holds its slot until then.
 */

/**
 * Returns the response to send instead of `response`, which calls `done` once: at once when there is no body, else
 * with the last byte or when the client goes away.
 */
export function whenSent(response: Response, done: () => void): Response {
  if (response.body === null) {
    done();
    return response;
  }
  const { readable, writable } = new TransformStream();
  // What breaks one end breaks the other; the reader is told by the stream itself.
  response.body.pipeTo(writable).then(done, done);
  return new Response(readable, response);
}
