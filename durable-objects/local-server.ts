/**
 * What `edge-serve run` and `serve()` need of the Worker, and Cloudflare does not.
 *
 * The local server compresses text for clients that accept it, and holds a stream's chunks back until there is enough to
 * compress. It leaves alone what has an encoding, which may be one that changes nothing.
 */
import { bodyLength } from "../src/replica/http-response.ts";

/** Returns the response to give to the local server, so that a stream goes out as it is produced. */
export function uncompressed(response: Response): Response {
  const { body } = response;
  if (body === null || bodyLength(body) !== undefined || response.headers.has("content-encoding")) return response;
  const copy = new Response(body, response);
  copy.headers.set("content-encoding", "identity");
  return copy;
}
