/** A clock that is turned by hand. */
export class Clock {
  #nowMs = 1_000_000;

  readonly now = (): number => this.#nowMs;

  advance(ms: number): void {
    this.#nowMs += ms;
  }
}
