/**
 * Bearer tokens: nothing behind one is reachable without it, and how long a refusal takes tells nothing.
 */

/**
 * Checks `Authorization: Bearer <token>`.
 *
 * @param expected The configured secret; when it is not set, everyone is refused.
 * @returns The refusal; `undefined` when the request may go on.
 */
export async function authorize(request: Request, expected: unknown): Promise<Response | undefined> {
  if (typeof expected !== "string" || expected === "") return refuse(403, "This system has no token configured, so nobody may do this.");
  const given = /^Bearer (.+)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
  if (given === undefined) return refuse(401, "Send the token: Authorization: Bearer <token>.");
  return (await isEqual(given, expected)) ? undefined : refuse(403, "That is not the token.");
}

// The platform's own, beyond the standard.
interface TimingSafe {
  timingSafeEqual(a: ArrayBuffer, b: ArrayBuffer): boolean;
}

// Over hashes, which are equally long: the platform's comparison wants that, and lengths stay secret.
async function isEqual(a: string, b: string): Promise<boolean> {
  const subtle = crypto.subtle as typeof crypto.subtle & TimingSafe;
  const hash = (text: string) => subtle.digest("SHA-256", new TextEncoder().encode(text));
  const [hashA, hashB] = await Promise.all([hash(a), hash(b)]);
  return subtle.timingSafeEqual(hashA, hashB);
}

function refuse(status: number, body: string): Response {
  const challenge: Record<string, string> = status === 401 ? { "www-authenticate": "Bearer" } : {};
  return new Response(body, { status, headers: { "content-type": "text/plain; charset=utf-8", ...challenge } });
}
