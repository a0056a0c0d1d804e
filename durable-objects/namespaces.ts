/**
 * The Durable Object classes of this Worker, as things to call.
 */
import { exports as workerExports } from "cloudflare:workers";
import { ConfigError } from "../src/protocol/errors.ts";

// Declared by hand: the platform's own type maps every argument and result to what RPC makes of it, which for
// our recursive messages never ends, and they are plain data but for a stream's stub.
/** The objects of one class; `Stub` is what they can be asked to do. */
export interface Namespace<Stub> {
  idFromName(name: string): DurableObjectId;
  get(id: DurableObjectId, options?: { locationHint?: string }): Stub;
  getByName(name: string, options?: { locationHint?: string; retry?: { maxRetries: number } }): Stub;
  jurisdiction(jurisdiction: string): Namespace<Stub>;
}

/** Finds a class among the Worker's exports. Not at the top level of the entry module: they are not there yet. */
export function namespaceOf<Stub>(className: string, jurisdiction?: string): Namespace<Stub> {
  const namespace = (workerExports as unknown as Record<string, Namespace<Stub> | undefined>)[className];
  if (namespace === undefined) {
    throw new ConfigError(`The Worker has no Durable Object class ${className}. Run edge-serve build, and deploy what it wrote.`);
  }
  if (jurisdiction === undefined) return namespace;
  try {
    return namespace.jurisdiction(jurisdiction);
  } catch (error) {
    // workerd on its own has no jurisdictions: locally the objects are where everything is.
    if (error instanceof Error && error.message.includes("not implemented in workerd")) return namespace;
    throw error;
  }
}
