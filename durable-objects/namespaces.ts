/**
 * The Durable Object classes of this Worker, as things to call.
 */
import { exports as workerExports } from "cloudflare:workers";
import { writeLog } from "../src/context/logger.ts";
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
  const namespace = (workerExports as Readonly<Record<string, unknown>>)[className] as Namespace<Stub> | undefined;
  // A class that is exported and not declared is there as well, and is no namespace.
  if (typeof namespace?.getByName !== "function") throw undeclared(className);
  if (jurisdiction === undefined) return namespace;
  try {
    return namespace.jurisdiction(jurisdiction);
  } catch (error) {
    // workerd on its own has no jurisdictions: locally the objects are where everything is.
    if (error instanceof Error && error.message.includes("not implemented in workerd")) return namespace;
    throw error;
  }
}

const logged = new Set<string>();

function undeclared(className: string): ConfigError {
  const message =
    `The configuration that this Worker runs with does not declare the Durable Object class ${className}: it was started or deployed past ` +
    "wrangler.edge-serve.json. Run edge-serve build, and then wrangler without --config and without a script, or edge-serve deploy.";
  // Whoever asks sees a 500 without a reason.
  if (!logged.has(className)) writeLog("ERROR", message, undefined, undefined);
  logged.add(className);
  return new ConfigError(message);
}
