/**
 * What a Durable Object decides by, made when it is first asked for: making it reads storage, which may fail, and an object
 * whose constructor throws has no alarm handler that could try again.
 */
export class Core<T> {
  readonly #make: () => T;
  #made: T | undefined;

  constructor(make: () => T) {
    this.#make = make;
  }

  /** What was made, now or before. Throws what making it throws, and tries again the next time. */
  get(): T {
    return (this.#made ??= this.#make());
  }
}
