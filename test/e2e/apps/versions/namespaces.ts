/**
 * Stands in for `durable-objects/namespaces.ts`: the objects of one class, each of them at one of two versions of the code.
 *
 * That is what a gradual deployment does: every object has one version, and callers do not know which.
 */
import { env } from "cloudflare:workers";
import { parseReplicaId } from "../../../../src/protocol/names.ts";
import type { Namespace } from "../../../../durable-objects/namespaces.ts";

/** Which objects are at which version. */
export interface Assigned {
  /** Controllers, and what the operator has configured. */
  readonly control: string;
  /** Replicas, by their number; the last one is for all that follow. */
  readonly replicas: readonly string[];
}

export function namespaceOf<Stub>(className: string): Namespace<Stub> {
  const bindings = env as unknown as { readonly ASSIGNED: Assigned } & Record<string, Namespace<Stub>>;
  const { control, replicas } = bindings.ASSIGNED;
  const assigned = (name: string) => {
    const ordinal = parseReplicaId(name)?.ordinal;
    const version = ordinal === undefined ? control : replicas[Math.min(ordinal, replicas.length - 1)];
    return bindings[`${version}_${className}`]!;
  };
  const namespace: Namespace<Stub> = {
    idFromName: (name) => assigned(name).idFromName(name),
    get: (id, options) => assigned(id.name!).get(id, options),
    getByName: (name, options) => assigned(name).getByName(name, options),
    jurisdiction: () => namespace,
  };
  return namespace;
}
