/**
 * Keys of keyed deployments, the names of their objects, and what is said to these of their configuration.
 *
 * A change to a name here moves data: it is which object a key has.
 */
import { KeyError } from "./errors.ts";
import type { DeploymentConfig } from "./manifest.ts";
import type { PlatformRequest } from "./platform-types.ts";
import { show } from "./wording.ts";

/** How long a key may be, in bytes of UTF-8. */
const MAX_KEY_BYTES = 256;

/**
 * The key of an HTTP request, which it sees as the application does: without the prefix. Runs in the ingress Worker, and must not read
 * the body.
 *
 * @returns A key; `undefined` is answered with 400, and so is what is no key.
 */
export type KeyOf = (request: PlatformRequest) => string | undefined | Promise<string | undefined>;

/** A keyed deployment that HTTP requests reach. */
export interface KeyedByRequest {
  /**
   * The key of a request that has come in over HTTP, where the deployment is its application's ingress deployment. Takes 10 s at most.
   * `undefined`, and what is no key, is answered with 400; a `Response` that it throws is the answer.
   */
  readonly key: KeyOf;
}

/** @throws KeyError for anything but a string of 1 to 256 bytes of well-formed Unicode. */
export function checkKey(key: unknown, { app, deployment }: { readonly app: string; readonly deployment: string }): asserts key is string {
  const problem = problemOf(key);
  if (problem === undefined) return;
  throw new KeyError(
    `A key of deployment ${JSON.stringify(deployment)} of application ${JSON.stringify(app)} must be a string of 1 to ${MAX_KEY_BYTES} bytes ` +
      `of well-formed Unicode, got ${problem}.`,
  );
}

function problemOf(key: unknown): string | undefined {
  if (typeof key !== "string") return show(key);
  if (key === "") return "an empty string";
  if (!key.isWellFormed()) return `${show(key)}, which has half of a surrogate pair`;
  return key.length > MAX_KEY_BYTES || bytesOf(key) > MAX_KEY_BYTES ? `more: ${show(key)}` : undefined;
}

// Half of a pair that takes four bytes counts as two.
function bytesOf(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit >= 0x80) bytes += unit < 0x800 || (unit >= 0xd800 && unit < 0xe000) ? 1 : 2;
  }
  return bytes;
}

/** `<app>/<deployment>/@<key>`: the name of the object of a key, which is percent-encoded. */
export function objectNameOf(app: string, deployment: string, key: string): string {
  return `${app}/${deployment}/@${encodeURIComponent(key)}`;
}

/** The key in a name that {@link objectNameOf} made; `undefined` for any other name. */
export function keyOfObject(name: string): string | undefined {
  const at = name.indexOf("/@");
  if (at === -1) return undefined;
  try {
    const key = decodeURIComponent(name.slice(at + 2));
    return encodeURIComponent(key) === name.slice(at + 2) ? key : undefined;
  } catch {
    return undefined;
  }
}

/** What the objects of a keyed deployment run with, and what their callers obey. Callers pass it on: no object asks for it. */
export interface KeyedConfig {
  /** Counts up with each change; 0 is what was compiled. */
  readonly epoch: number;
  /** Of the code that `config` was made for. Whoever runs other code goes by what it was compiled with. */
  readonly version: string;
  readonly config: DeploymentConfig;
  /** Where HTTP requests reach the application; `null` when they do not. */
  readonly routePrefix: string | null;
  /** How often prefixes had changed when some below the application's own were last given to others. @default 0 */
  readonly routing?: number;
  /** The deployment has been taken away. */
  readonly isGone?: true;
}

/** How the error begins with which whoever waits for an object learns that it has been deleted. */
export const OBJECT_DELETED = "The object of this key has been deleted";

/** Whether a call failed because its object was deleted meanwhile. */
export function isDeletion(error: unknown): boolean {
  return error instanceof Error && error.message.includes(OBJECT_DELETED);
}
