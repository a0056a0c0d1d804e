/** How many requests run at once in a replica, asked from outside: whether a slot was lost. */

const PATH = "/__together";
const WAIT_MS = 3000;

export class Slots {
  readonly #waiting = new Set<() => void>();

  /**
   * Answers `/__together?count=N` once N such requests are here, or with 409 after a while. `undefined` for any other request.
   */
  async answer(request: Request): Promise<Response | undefined> {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname !== PATH) return undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.add(resolve);
    if (this.#waiting.size >= Number(searchParams.get("count"))) {
      for (const release of this.#waiting) release();
      this.#waiting.clear();
    }
    const isTogether = await Promise.race([promise.then(() => true), scheduler.wait(WAIT_MS).then(() => false)]);
    this.#waiting.delete(resolve);
    return isTogether ? new Response("together") : new Response("alone", { status: 409 });
  }
}
