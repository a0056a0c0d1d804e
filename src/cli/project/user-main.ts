/**
 * The entry module of the user's own, where wrangler's configuration names one.
 *
 * Owns: what it is to the build. Does not own: how its code is read (`module-exports.ts`).
 */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { deploymentOf } from "../../compile/lock-file.ts";
import { noWorker } from "../../compile/describe-main.ts";
import { ENTRYPOINT } from "../../protocol/names.ts";
import { Failure } from "../failure.ts";
import { importedElsewhere, runtimeFailure } from "../runtime/runtime-failure.ts";
import { isScript, readModule } from "./module-exports.ts";
import { pathFrom, type Project } from "./project.ts";
import type { UserConfig } from "./user-config.ts";

/** Where a build writes the entry module, relative to the root. */
export const ENTRY = ".edge-serve/worker.ts";

/** The user's entry module. */
export interface UserMain {
  /** Absolute. */
  readonly file: string;
  /** How it imports the generated entry: then it is the Worker's entry. Empty where it is served beside the applications. */
  readonly specifiers: readonly string[];
  /** The files that it is made from, absolute. */
  readonly inputs: readonly string[];
  /** What it exports, but for what it takes whole from the generated entry; `undefined` for what is no JavaScript. */
  readonly exports: ReadonlySet<string> | undefined;
}

type MainOf = Pick<Project, "root" | "wranglerFile">;
type MainConfig = Pick<UserConfig, "complete" | "users" | "label">;

/**
 * The module that `main` names, if that is one of the user's.
 *
 * Rejects with a `Failure` where there is no such file, or where it cannot be read as a module.
 */
export async function userMainOf({ root, wranglerFile }: MainOf, config: MainConfig): Promise<UserMain | undefined> {
  const { main } = config.complete;
  if (main === undefined || wranglerFile === undefined) return undefined;
  const file = resolve(root, main);
  if (file === join(root, ENTRY)) return undefined;
  if (!existsSync(file)) throw new Failure(`main of ${config.label} names ${pathFrom(root, file)}, and there is no such file.`);
  if (!isScript(file)) return { file, specifiers: [], inputs: [], exports: undefined };
  const { specifiers, isImportedElsewhere, inputs, exports, plainDefault } = await read(file, root, config);
  if (isImportedElsewhere) throw new Failure(importedElsewhere(root));
  const [specifier] = specifiers;
  if (specifier === undefined && exports.size === 0) throw new Failure(`${pathFrom(root, file)} ${NO_EXPORTS}`);
  if (specifier !== undefined && !exports.has("default")) throw new Failure(withoutDefault(file, root, specifier));
  if (plainDefault !== undefined)
    throw new Failure(`${pathFrom(root, file)}: the default export is ${noWorker(plainDefault.kind, plainDefault.name)}`);
  return { file, specifiers, inputs, exports };
}

const NO_EXPORTS =
  "is main of wrangler's configuration, and exports nothing. The main of a Worker is a module that exports its handlers: " +
  "export default { fetch(request, env, ctx) { ... } }, in place of addEventListener.";

function withoutDefault(file: string, root: string, specifier: string): string {
  const line = `export { default } from ${JSON.stringify(specifier)};`;
  return `${pathFrom(root, file)} imports ${JSON.stringify(specifier)} and has no default export, so nothing would answer. Add the line:\n${line}`;
}

/** What its author should know of a main, in full sentences. */
export function mainWarnings({ exports, specifiers, file }: UserMain, root: string): string[] {
  if (exports === undefined || exports.has("default") || specifiers.length > 0) return [];
  return [
    `${pathFrom(root, file)} has no default export, so no path but the applications' is answered, and no event. If it has handlers, export ` +
      "them: export default { fetch(request, env, ctx) { ... } }. If it is to have none, write export default {}.",
  ];
}

/** The classes of a build, by name. */
export interface GeneratedNames {
  /** Those that the Worker cannot do without. */
  readonly needed: readonly string[];
  /** All that the generated entry exports. */
  readonly all: readonly string[];
}

/**
 * Fails where a main exports something of its own by the name of a generated class, which would hide it; and where a main that
 * imports the generated entry does not export its classes: the Worker would be deployed without the applications. A class made
 * from the generated one, as a wrapper that reports errors is, hides nothing.
 */
export async function requireExports(main: UserMain, { needed, all }: GeneratedNames, root: string, config: MainConfig): Promise<void> {
  const { file, specifiers, exports: own = new Set() } = main;
  const [specifier] = specifiers;
  const { exports, taken } = specifier === undefined ? { exports: own, taken: new Set() } : await read(file, root, config, all);
  const hidden = all.find((name) => (own.has(name) || exports.has(name)) && !taken.has(name));
  if (hidden !== undefined) throw new Failure(clashOf(hidden, pathFrom(root, file)));
  const missing = specifier === undefined ? undefined : needed.find((name) => !exports.has(name));
  if (missing === undefined) return;
  throw new Failure(
    `${pathFrom(root, file)} imports ${JSON.stringify(specifier)} and does not export its classes, such as ${missing}. Add the line:\n` +
      `export * from ${JSON.stringify(specifier)};`,
  );
}

function clashOf(name: string, main: string): string {
  if (name === ENTRYPOINT)
    return `${main} exports ${name}, which is also the entrypoint that edge-serve generates for other Workers. Rename yours.`;
  const deployment = deploymentOf(name);
  // Those of the control plane, and of tasks, are no deployment's.
  if (deployment === name) return `${main} exports ${name}, which is also the name of a class that edge-serve generates. Rename yours.`;
  return `${main} exports ${name}, which is also the class that edge-serve generates for ${deployment}. Rename yours, or the deployment.`;
}

async function read(file: string, root: string, { complete, users }: MainConfig, names?: readonly string[]) {
  const tsconfig = users["tsconfig"];
  const settings = {
    alias: complete.alias ?? {},
    ...(typeof tsconfig === "string" ? { tsconfig: resolve(root, tsconfig) } : {}),
  };
  try {
    return await readModule({ file, root, entry: ENTRY, names, ...settings });
  } catch (error) {
    throw runtimeFailure(error, undefined, { root, config: complete });
  }
}
