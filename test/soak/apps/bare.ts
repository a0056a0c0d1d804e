/** A Worker and a Durable Object without edge-serve: what workerd itself keeps of a request. */
import { DurableObject, exports } from "cloudflare:workers";

export class Bare extends DurableObject {
  override fetch(): Response {
    return new Response("ok");
  }
}

const { Bare: namespace } = exports as unknown as { readonly Bare: DurableObjectNamespace };

export default {
  fetch: (request: Request): Promise<Response> => namespace.getByName("0").fetch(request),
};
