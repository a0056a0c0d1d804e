/**
 * Stands in for `durable-objects/namespaces.ts`: the objects are another Worker's, so that several Workers with the same code share them.
 *
 * That is what several isolates of one Worker are to each other on Cloudflare.
 */
import { env } from "cloudflare:workers";
import type { Namespace } from "../../../../durable-objects/namespaces.ts";

export function namespaceOf<Stub>(className: string): Namespace<Stub> {
  const bindings = env as unknown as Readonly<Record<string, Namespace<Stub>>>;
  const namespace = bindings[className]!;
  return {
    idFromName: (name) => namespace.idFromName(name),
    get: (id, options) => namespace.get(id, options),
    getByName: (name, options) => namespace.getByName(name, options),
    jurisdiction: () => namespaceOf(className),
  };
}
