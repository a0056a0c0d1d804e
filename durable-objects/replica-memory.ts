/**
 * What the framework keeps in the storage of a replica's object, which otherwise is the application's; and what the object holds
 * beside its storage.
 *
 * Invariants:
 *   R1. What was saved last is there after the application has called `deleteAll()`, in this life of the object and in the next.
 *       Only an object that is lost in that moment has nothing: it asks its controller, as one does that was never told anything.
 */

/** The key of the one entry. */
const REMEMBERED = "__edge_serve";

export class ReplicaMemory<Remembered> {
  readonly #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#outliveDeleteAll();
  }

  load(): Remembered | undefined {
    return this.#storage.kv.get<Remembered>(REMEMBERED);
  }

  save(remembered: Remembered): void {
    this.#storage.kv.put(REMEMBERED, remembered);
  }

  // Written again in the same turn, so that nothing that follows from the one leaves the object before the other is stored. The
  // platform does not take both as one: it allows no `deleteAll` within a transaction.
  #outliveDeleteAll(): void {
    const storage = this.#storage;
    const deleteAll = storage.deleteAll;
    Object.defineProperty(storage, "deleteAll", {
      value: (...args: Parameters<typeof deleteAll>): Promise<void> => {
        const remembered = this.load();
        const deleted = deleteAll.apply(storage, args);
        if (remembered !== undefined) this.save(remembered);
        return deleted;
      },
      configurable: true,
      writable: true,
    });
  }
}

/** The replica has gone away, and may be back. */
const GOING_AWAY = 1001;

/** Closes the sockets that hibernate in an object, and takes back its alarm. What it has stored stays. @param why Told to the clients. */
export async function releaseHoldings(state: DurableObjectState, why = "The replica has been taken out of service."): Promise<void> {
  for (const socket of state.getWebSockets()) {
    try {
      socket.close(GOING_AWAY, why);
    } catch {
      // Its client has gone, or it is being closed.
    }
  }
  await state.storage.deleteAlarm();
}

/** Erases all that an object has stored, what the framework keeps there too. */
export async function eraseStorage({ storage }: DurableObjectState): Promise<void> {
  storage.kv.delete(REMEMBERED);
  await storage.deleteAll();
  await storage.sync();
}
