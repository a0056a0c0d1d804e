/** What Ray's tests have a SignalActor and a Counter for: requests wait for a test's word, and a test for requests. */
import * as serve from "edge-serve";

interface Place {
  readonly waiting: Set<() => void>;
  readonly watchers: Set<{ readonly count: number; readonly resolve: () => void }>;
  /** How many have ever begun to wait. */
  begun: number;
  isOpen: boolean;
}

/** Places, by name, where requests wait. A name belongs to one test. */
export class Signals {
  readonly #places = new Map<string, Place>();

  /** Waits until `send`; a request that is cancelled meanwhile waits no longer. */
  async wait(name: string): Promise<void> {
    const place = this.#place(name);
    place.begun++;
    if (place.isOpen) return;
    const { signal } = serve.getRequestContext();
    try {
      await new Promise<void>((resolve, reject) => {
        place.waiting.add(resolve);
        signal.addEventListener("abort", () => {
          this.#leave(place, resolve);
          reject(signal.reason as Error);
        });
        this.#tell(place);
      });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** Lets those go that wait, and those that come. */
  send(name: string): void {
    const place = this.#place(name);
    place.isOpen = true;
    for (const resolve of place.waiting) {
      this.#leave(place, resolve);
      resolve();
    }
  }

  /** Resolves as soon as `count` requests wait. */
  async whenWaiting(name: string, count: number): Promise<void> {
    const place = this.#place(name);
    if (place.waiting.size !== count) await new Promise<void>((resolve) => place.watchers.add({ count, resolve }));
  }

  begun(name: string): number {
    return this.#place(name).begun;
  }

  #place(name: string): Place {
    let place = this.#places.get(name);
    if (place === undefined) this.#places.set(name, (place = { waiting: new Set(), watchers: new Set(), begun: 0, isOpen: false }));
    return place;
  }

  #leave(place: Place, resolve: () => void): void {
    place.waiting.delete(resolve);
    this.#tell(place);
  }

  #tell(place: Place): void {
    for (const watcher of place.watchers) {
      if (watcher.count !== place.waiting.size) continue;
      place.watchers.delete(watcher);
      watcher.resolve();
    }
  }
}

/** The handle to the signals of a server, which are an application of their own. */
export function signals(): serve.DeploymentHandle<Signals> {
  return serve.getAppHandle<Signals>("signals");
}

export const app = serve.deployment(Signals, { maxOngoingRequests: 10_000, logging: { accessLog: false } }).bind();
