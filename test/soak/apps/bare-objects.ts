/** Durable Objects by name, without edge-serve: what workerd itself keeps of objects that it has evicted. */
import { DurableObject, exports } from "cloudflare:workers";

export class Bare extends DurableObject {
  #count = 0;

  increment(): number {
    return ++this.#count;
  }
}

// Looked up when it is used: at the top level of the module the exports are not there yet.
interface Exports {
  readonly Bare: DurableObjectNamespace<Bare>;
}

export default {
  async fetch(request: Request): Promise<Response> {
    const { searchParams } = new URL(request.url);
    const [number, count] = [Number(searchParams.get("number")), Number(searchParams.get("count"))];
    const objects = (exports as unknown as Exports).Bare;
    await Promise.all(Array.from({ length: count }, (_, at) => objects.getByName(`key ${number + at}`).increment()));
    return new Response("ok");
  },
};
