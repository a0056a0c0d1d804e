/**
 * Whether a connection waits for the answer to a WebSocket upgrade, as far as its bytes tell.
 *
 * A mistake is harmless: what looks like an upgrade in a body is treated as one until the next byte of an answer.
 */

/** What is read of a request. workerd accepts no longer heads. */
const MAX_HEAD_BYTES = 16_384;
const UPGRADE = /\r\nupgrade:[ \t]*websocket[ \t]*\r\n/i;

export class UpgradeWatch {
  // What the client has sent since the last answer began.
  #head = "";
  #isPending = false;
  #isUpgraded = false;

  /** The client has asked for an upgrade, and no byte of the answer has come. */
  get isPending(): boolean {
    return this.#isPending;
  }

  /** The client has sent something. */
  asked(bytes: Buffer): void {
    if (this.#isUpgraded || this.#isPending || this.#head.length >= MAX_HEAD_BYTES) return;
    this.#head += bytes.toString("latin1", 0, MAX_HEAD_BYTES - this.#head.length);
    this.#isPending = UPGRADE.test(this.#head);
  }

  /** The server has sent something. */
  answered(bytes: Buffer): void {
    if (this.#isUpgraded) return;
    this.#isUpgraded = this.#isPending && bytes.toString("latin1", 0, 12) === "HTTP/1.1 101";
    this.#isPending = false;
    this.#head = "";
  }
}
