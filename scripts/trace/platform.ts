/**
 * What one HTTP request needs of workerd, in Node: Durable Objects that are called directly, and the length of a body.
 *
 * It stands in for nothing that edge-serve does. It joins the two ends of a request in one process, so that Node can say which code ran.
 */

/** What an object keeps; the code under trace asks for it by key. */
class Storage {
  readonly #values = new Map<string, unknown>();
  readonly kv = {
    get: (key: string) => this.#values.get(key),
    put: (key: string, value: unknown) => void this.#values.set(key, value),
    delete: (key: string) => this.#values.delete(key),
  };
}

export class DurableObject {
  readonly ctx: unknown;
  readonly env: unknown;
  constructor(ctx: unknown, env: unknown) {
    this.ctx = ctx;
    this.env = env;
  }
}

/** Of which this request needs none. */
export const RpcTarget = Object;
export const WorkerEntrypoint = Object;

export const env = {};

/** Nobody traces. */
export const tracing = { getActiveSpan: (): undefined => undefined };

export function waitUntil(): void {}

/** The Worker's classes, by name: filled by whoever has loaded it. */
export const exports: Record<string, unknown> = {};

type ObjectClass = new (state: object, env: unknown) => { fetch(request: Request): Promise<Response> };

/** The objects of a class, each made when it is first asked. */
export function namespace(Class: ObjectClass): object {
  const objects = new Map<string, InstanceType<ObjectClass>>();
  const get = ({ name }: { readonly name: string }) => ({
    fetch(request: Request, init?: { readonly cf: object }): Promise<Response> {
      let object = objects.get(name);
      if (object === undefined) objects.set(name, (object = new Class({ id: { name }, storage: new Storage() }, env)));
      return object.fetch(init === undefined ? request : Object.assign(request.clone(), init));
    },
  });
  return { idFromName: (name: string) => ({ name }), get, getByName: (name: string) => get({ name }) };
}

const lengths = new WeakMap<object, number>();

// workerd tells how long a body is that is in memory.
Object.defineProperty(ReadableStream.prototype, Symbol("length"), {
  get(this: ReadableStream) {
    return lengths.get(this);
  },
});
globalThis.Response = new Proxy(Response, {
  construct(target, args: [body?: unknown], newTarget) {
    const response = Reflect.construct(target, args, newTarget) as Response;
    if (typeof args[0] === "string") lengths.set(response.body!, new TextEncoder().encode(args[0]).length);
    return response;
  },
});
