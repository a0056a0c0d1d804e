/**
 * What `edge-serve run` and `serve()` need of the Worker, and Cloudflare does not: an entry module built for Cloudflare imports
 * none of this.
 *
 * Streams. The local server compresses text for clients that accept it, and holds a stream's chunks back until there is enough to
 * compress. It leaves alone what has an encoding, which may be one that changes nothing.
 *
 * Stacks. What goes back to a caller outside names places in the bundle. The process that has built the bundle knows the source
 * files behind them, and is asked over a service binding. Where there is none, the places stay as they are.
 */
import { env } from "cloudflare:workers";
import { FRAMES_TYPE, SOURCE_POSITIONS } from "../src/protocol/rpc-messages.ts";
import { bodyLength } from "../src/replica/http-response.ts";

/** Returns the response to give to the local server. */
export function sentLocally(response: Response): Response {
  return uncompressed(withSourcePositions(response));
}

// So that a stream goes out as it is produced.
function uncompressed(response: Response): Response {
  const { body } = response;
  if (body === null || bodyLength(body) !== undefined || response.headers.has("content-encoding")) return response;
  const copy = new Response(body, response);
  copy.headers.set("content-encoding", "identity");
  return copy;
}

function withSourcePositions(response: Response): Response {
  const positions = (env as Readonly<Record<string, unknown>>)[SOURCE_POSITIONS] as Fetcher | undefined;
  const isAnswer = response.headers.get("content-type") === FRAMES_TYPE;
  if (positions === undefined || !isAnswer || response.body === null) return response;
  const mapped = response.body
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(byLine((line) => mappedBy(positions, line)))
    .pipeThrough(new TextEncoderStream());
  return new Response(mapped, response);
}

const POSITION = /:\d+:\d+/;

async function mappedBy(positions: Fetcher, line: string): Promise<string> {
  if (!POSITION.test(line)) return line;
  const response = await positions.fetch("http://source-positions/", { method: "POST", body: line });
  return response.ok ? response.text() : line;
}

/** Changes a text line by line, each as soon as it is complete. */
function byLine(change: (line: string) => Promise<string>): TransformStream<string, string> {
  const begun: string[] = [];
  return new TransformStream<string, string>({
    async transform(chunk, controller) {
      const [first = "", ...rest] = chunk.split("\n");
      begun.push(first);
      for (const next of rest) {
        controller.enqueue(`${await change(begun.splice(0).join(""))}\n`);
        begun.push(next);
      }
    },
    async flush(controller) {
      const last = begun.join("");
      if (last !== "") controller.enqueue(await change(last));
    },
  });
}
