/**
 * Reads a request's body as text, up to a limit: what is too large is refused before it is in memory.
 */

/** The body's text; `undefined` if it has more than `maxBytes`, which is known at the latest with the first byte too many. */
export async function readText(request: Pick<Request, "headers" | "body">, maxBytes: number): Promise<string | undefined> {
  if (Number(request.headers.get("content-length") ?? 0) > maxBytes) return undefined;
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  // Counted too: a length may be missing, and is only what the client says.
  for await (const chunk of (request.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > maxBytes) return undefined;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
