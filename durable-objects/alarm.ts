/** The one alarm of a Durable Object, which is written only when it changes. */
export class Alarm {
  readonly #storage: DurableObjectStorage;
  #atMs: number | undefined;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** Asks for the alarm at this time; `undefined` takes it back. */
  setAt(timeMs: number | undefined): void {
    if (timeMs === this.#atMs) return;
    this.#atMs = timeMs;
    void (timeMs === undefined ? this.#storage.deleteAlarm() : this.#storage.setAlarm(timeMs));
  }

  /** An alarm that has fired is gone. */
  hasFired(): void {
    this.#atMs = undefined;
  }
}
