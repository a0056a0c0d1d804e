/**
 * From a target to a manifest and an entry module: the compiler, with its disk and its runtime.
 *
 * Owns: evaluating the application in workerd, bundled by wrangler as it will be when it serves.
 * Does not own: where the entry goes, and `wrangler.toml`; commands decide that.
 *
 * Invariants:
 *   C1. The version changes whenever the bundled code or the manifest does, and does not depend on where the project is.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, isAbsolute, join, relative, sep } from "node:path";
import type { ApplicationSource } from "../../compile/describe-module.ts";
import { describeModule } from "../../compile/describe-module.ts";
import { describedApplications } from "../../compile/described-applications.ts";
import { classNamesOf, entryModule } from "../../compile/entry-module.ts";
import type { DescribeProblem, DescribeResult } from "../../compile/manifest.ts";
import type { Manifest } from "../../protocol/manifest.ts";
import { Failure } from "../failure.ts";
import type { Bundle } from "../runtime/bundle.ts";
import { locateProblem } from "../runtime/runtime-failure.ts";
import { startRuntime } from "../runtime/worker-runtime.ts";
import { configPosition } from "./config-position.ts";
import { ownAliases } from "./own-package.ts";
import type { Project, WranglerConfig } from "./project.ts";
import type { Target } from "./target.ts";
import { describingConfig } from "./worker-config.ts";

/** A compiled system. */
export interface Compiled {
  readonly manifest: Manifest;
  /** Its Durable Object classes. */
  readonly classes: readonly string[];
  /** The files it was made from, absolute: what `run` watches. */
  readonly inputs: readonly string[];
  /** The text of the entry module, to be written to `file`. */
  entryAt(file: string, options?: { readonly retired?: readonly string[]; readonly forTests?: boolean }): string;
}

/** Evaluates the target's applications. `scratch` is a directory inside the project for the module that does. */
export async function compileTarget(target: Target, project: Project, base: WranglerConfig, scratch: string): Promise<Compiled> {
  const file = join(scratch, "describe.ts");
  mkdirSync(scratch, { recursive: true });
  writeFileSync(file, describeModule(sourcesFrom(file, target, project.root)));
  try {
    const { manifest, text, inputs } = await evaluate(file, target, project, base);
    const complete: Manifest = { protocol: manifest.protocol, version: versionOf(text, manifest), applications: manifest.applications };
    return {
      manifest: complete,
      classes: classNamesOf(complete),
      inputs: inputs.filter((input) => input !== file),
      entryAt: (entry, { retired = [], forTests = false } = {}) =>
        entryModule({ target: labelOf(target, project), manifest: complete, sources: locationsFrom(entry, target), retired, forTests }),
    };
  } finally {
    rmSync(file, { force: true });
    // An entry may be there, from the last time.
    if (readdirSync(scratch).length === 0) rmdirSync(scratch);
  }
}

interface Evaluated {
  readonly manifest: Omit<Manifest, "version">;
  /** The bundle that was evaluated. */
  readonly text: string;
  readonly inputs: readonly string[];
}

async function evaluate(file: string, target: Target, { root }: Project, base: WranglerConfig): Promise<Evaluated> {
  const runtime = await startRuntime({ root, config: describingConfig(base, file, ownAliases(root)), persist: false, host: "127.0.0.1" });
  try {
    const response = await runtime.fetch("http://describe/");
    if (!response.ok) throw new Failure(locateProblem(await response.text(), runtime.bundle, root));
    const result = (await response.json()) as DescribeResult;
    if ("problems" in result) throw new Failure(result.problems.map((problem) => locate(problem, target, runtime.bundle, root)).join("\n"));
    return { manifest: result.manifest, text: runtime.bundle.text, inputs: runtime.bundle.inputs };
  } finally {
    await runtime.dispose();
  }
}

// A place in the code says more than one in the config file, which names that code.
function locate({ message, path }: DescribeProblem, target: Target, bundle: Bundle, root: string): string {
  const located = locateProblem(message, bundle, root);
  if (target.configFile === undefined || located !== message.split("\n    at ")[0]) return located;
  return `${configPosition(target.configFile, target.label, path)}  ${located}`;
}

function sourcesFrom(file: string, { config, modules }: Target, root: string): ApplicationSource[] {
  return describedApplications(config).map((described) => {
    const { file: module, exportName } = modules[described.name]!;
    const importPath = withoutMachine(described.importPath, root);
    return { ...described, ...(importPath === undefined ? {} : { importPath }), specifier: specifierFrom(file, module), exportName };
  });
}

// The manifest does not say where on this machine the project is.
function withoutMachine(importPath: string | undefined, root: string): string | undefined {
  return importPath !== undefined && isAbsolute(importPath) ? relative(root, importPath).replaceAll(sep, "/") : importPath;
}

function locationsFrom(entry: string, { modules }: Target): Record<string, { specifier: string; exportName: string }> {
  return Object.fromEntries(
    Object.entries(modules).map(([name, { file, exportName }]) => [name, { specifier: specifierFrom(entry, file), exportName }]),
  );
}

// The header of a generated file does not say where on this machine the project is.
function labelOf({ label }: Target, { root }: Project): string {
  return isAbsolute(label) ? relative(root, label).replaceAll(sep, "/") : label;
}

function specifierFrom(from: string, to: string): string {
  const path = relative(dirname(from), to).replaceAll(sep, "/");
  return path.startsWith("../") ? path : `./${path}`;
}

// The bundle names its inputs in comments, with wrangler's temporary directories among them.
const PATH_COMMENTS = /^\s*\/\/.*$/gm;

function versionOf(bundle: string, manifest: Omit<Manifest, "version">): string {
  const hash = createHash("sha256").update(bundle.replaceAll(PATH_COMMENTS, "")).update(JSON.stringify(manifest));
  return hash.digest("hex").slice(0, 12);
}
