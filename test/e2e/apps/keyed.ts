/** A keyed deployment that others call. */
import * as serve from "edge-serve";

export class Catalog {
  call(item: string) {
    return item.toUpperCase();
  }
}

const state = () => serve.getReplicaContext().state;

/** Keys whose first object has begun to start, and never will. */
const hung = new Set<string>();

export class Cart {
  readonly #catalog: serve.DeploymentHandle<Catalog>;
  readonly #madeAt = crypto.randomUUID();
  #greeting = "none";
  #running = 0;

  constructor(catalog: serve.DeploymentHandle<Catalog>) {
    this.#catalog = catalog;
  }

  setup(): Promise<never> | void {
    const { storage } = state();
    const { key = "" } = serve.getReplicaContext();
    if (key.startsWith("hangs") && !hung.has(key)) {
      hung.add(key);
      serve.logger.info("starts for ever");
      return new Promise(() => {});
    }
    storage.kv.put("starts", (storage.kv.get<number>("starts") ?? 0) + 1);
    if (serve.getReplicaContext().key === "broken" && storage.kv.get("repaired") !== true) {
      storage.kv.put("repaired", true);
      throw new RangeError("no such cart");
    }
  }

  reconfigure({ greeting }: { greeting: string }) {
    this.#greeting = greeting;
  }

  async add(item: string) {
    const { kv } = state().storage;
    const items = [...(kv.get<string[]>("items") ?? []), await this.#catalog.remote(item)];
    kv.put("items", items);
    return items;
  }

  items() {
    return state().storage.kv.get<string[]>("items") ?? [];
  }

  about() {
    const { key, replicaId, ordinal } = serve.getReplicaContext();
    return { key, requestKey: serve.getRequestContext().key, replicaId, ordinal, madeAt: this.#madeAt, greeting: this.#greeting };
  }

  starts() {
    return state().storage.kv.get<number>("starts");
  }

  *count(to: number) {
    for (let n = 0; n < to; n++) yield n;
  }

  fail() {
    throw new TypeError("not for sale");
  }

  /** How many calls run with it at most, itself included; in the order in which they began. */
  async note(n: number) {
    const { kv } = state().storage;
    this.#running++;
    kv.put("began", [...(kv.get<number[]>("began") ?? []), n]);
    await new Promise((resolve) => setTimeout(resolve, n % 3));
    return this.#running--;
  }

  began() {
    return state().storage.kv.get<number[]>("began") ?? [];
  }

  async hold() {
    serve.logger.info("held");
    await new Promise(() => {});
  }

  async end() {
    await serve.getKeyedHandle<Cart>("Cart").delete(serve.getReplicaContext().key!);
    return "not reached";
  }

  crash() {
    state().abort("crashed");
  }

  /** A handle that crosses. */
  async through(other: serve.DeploymentHandle<Cart>, all: serve.KeyedHandle<Cart>, key: string) {
    return [await other.items.remote(), await all.get(key).items.remote()];
  }
}

export class Shop {
  readonly #carts: serve.KeyedHandle<Cart>;

  constructor(carts: serve.KeyedHandle<Cart>) {
    this.#carts = carts;
  }

  add(key: string, item: string) {
    return this.#carts.get(key).add.remote(item);
  }

  about(key: string) {
    return this.#carts.get(key).about.remote();
  }

  async burst(key: string, calls: number) {
    const cart = this.#carts.get(key);
    const most = await Promise.all(Array.from({ length: calls }, (_, n) => cart.note.remote(n)));
    return { most: Math.max(...most), began: await cart.began.remote() };
  }

  broadcast(key: string) {
    return this.#carts.get(key).items.broadcast();
  }

  through(one: string, other: string) {
    return this.#carts.get(one).through.remote(this.#carts.get(other), this.#carts, other);
  }

  delete(key: string) {
    return this.#carts.delete(key);
  }
}

const cart = serve
  .deployment(Cart, { keyed: true, maxOngoingRequests: 1, maxQueuedRequests: 50, tasks: {}, userConfig: { greeting: "hello" } })
  .bind(serve.deployment(Catalog).bind());
export const shop = serve.deployment(Shop).bind(cart);
