/**
 * What a build asks of the user's main: whether a Worker can be made of its default export, and whether it answers requests.
 *
 * A running Worker asks nothing of the kind: it was built.
 */
import { show } from "../protocol/wording.ts";

/** What the user's main has. */
export interface DescribedMain {
  readonly hasFetch: boolean;
  /** What is wrong with its default export, and what to write in its place. */
  readonly problem?: string | undefined;
}

type Class = abstract new (...args: never[]) => object;

/**
 * Describes a main by its default export; `undefined` is none.
 *
 * @param WorkerEntrypoint The platform's class, which a default export that is a class extends.
 */
export function describeMain(own: unknown, WorkerEntrypoint: Class): DescribedMain {
  const problem = problemOf(own, WorkerEntrypoint);
  if (problem !== undefined) return { hasFetch: false, problem: `the default export is ${problem}` };
  return { hasFetch: typeof own === "function" ? hasFetch(own) : typeof (own as { fetch?: unknown } | undefined)?.fetch === "function" };
}

// A field shows only on an instance, but its name is in the class's text.
function hasFetch(entrypoint: { readonly prototype: { readonly fetch?: unknown } }): boolean {
  for (let level: unknown = entrypoint; typeof level === "function"; level = Object.getPrototypeOf(level))
    if (/\bfetch\b["'\]]?\s*[=,]/.test(Function.prototype.toString.call(level))) return true;
  return typeof entrypoint.prototype.fetch === "function";
}

const ACCEPTED = "A Worker's is an object that has its handlers, or a class that extends WorkerEntrypoint. Write";
const HANDLERS_OBJECT = "export default { fetch(request, env, ctx) { ... } };";

function problemOf(own: unknown, WorkerEntrypoint: Class): string | undefined {
  if (own === undefined) return undefined;
  if (typeof own === "function") {
    if (own.prototype instanceof WorkerEntrypoint) return undefined;
    const kind = /^class\b/.test(Function.prototype.toString.call(own)) ? "class" : "function";
    // What has no name of its own is called so.
    return noWorker(kind, own.name === "default" ? "" : own.name);
  }
  if (own instanceof Promise) return `a promise. ${ACCEPTED}: export default await ...;`;
  return typeof own === "object" && own !== null && !Array.isArray(own) ? undefined : `${show(own)}. ${ACCEPTED}: ${HANDLERS_OBJECT}`;
}

/** What to say of a default export that is a function, or a class that is no entrypoint. `name` is empty where it has none. */
export function noWorker(kind: "class" | "function", name: string): string {
  if (kind === "class") {
    const extended = `class ${name || "Main"} extends WorkerEntrypoint, and import { WorkerEntrypoint } from "cloudflare:workers"`;
    return `a class that does not extend WorkerEntrypoint. ${ACCEPTED}: ${extended}`;
  }
  return `a function. ${ACCEPTED}: ${name === "" ? HANDLERS_OBJECT : `export default { fetch: ${name} };`}`;
}
