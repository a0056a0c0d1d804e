/** A Worker and a Durable Object without edge-serve: what workerd itself keeps of a request. */
import { DurableObject, exports } from "cloudflare:workers";

export class Bare extends DurableObject {
  override fetch(): Response {
    return new Response("ok");
  }
}

// Looked up when it is used: at the top level of the module the exports are not there yet.
interface Exports {
  readonly Bare: DurableObjectNamespace;
}

export default {
  fetch: (request: Request): Promise<Response> => (exports as unknown as Exports).Bare.getByName("0").fetch(request),
};
