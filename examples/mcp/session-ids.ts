/**
 * Session ids that only this server can make: a UUID, and a signature of it. What a client made up is known without asking an object.
 */
const ALGORITHM = { name: "HMAC", hash: "SHA-256" };
const OPTIONS = { alphabet: "base64url", omitPadding: true } as const;

export class SessionIds {
  readonly #key: CryptoKey;

  private constructor(key: CryptoKey) {
    this.#key = key;
  }

  static async from(secret: string): Promise<SessionIds> {
    return new SessionIds(await crypto.subtle.importKey("raw", new TextEncoder().encode(secret), ALGORITHM, false, ["sign", "verify"]));
  }

  async make(): Promise<string> {
    const id = crypto.randomUUID();
    const signature = await crypto.subtle.sign(ALGORITHM.name, this.#key, new TextEncoder().encode(id));
    return `${id}.${new Uint8Array(signature).toBase64(OPTIONS)}`;
  }

  /** Whether `make` has made it. */
  async knows(session: string): Promise<boolean> {
    // Base64 has several spellings of the same bytes, and each would be a key of its own.
    const [, id, signature] = /^([0-9a-f-]{36})\.([\w-]{42}[AEIMQUYcgkosw048])$/.exec(session) ?? [];
    if (id === undefined || signature === undefined) return false;
    const bytes = Uint8Array.fromBase64(signature, OPTIONS);
    return crypto.subtle.verify(ALGORITHM.name, this.#key, bytes, new TextEncoder().encode(id));
  }
}
