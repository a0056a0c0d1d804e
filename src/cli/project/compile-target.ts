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
import { mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, isAbsolute, join, relative, sep } from "node:path";
import { policyWarnings } from "../../compile/describe-code.ts";
import type { ApplicationSource, CodeSource } from "../../compile/describe-module.ts";
import { describeModule } from "../../compile/describe-module.ts";
import { describedApplications } from "../../compile/described-applications.ts";
import { classNamesOf, entryModule } from "../../compile/entry-module.ts";
import type { DescribedApplication, DescribeProblem, DescribeResult } from "../../compile/manifest.ts";
import { namedPolicies } from "../../compile/policies.ts";
import { configPosition } from "../../config/parse-file.ts";
import type { Manifest, PolicyRef } from "../../protocol/manifest.ts";
import { Failure } from "../failure.ts";
import type { Bundle } from "../runtime/bundle.ts";
import { locateProblem } from "../runtime/runtime-failure.ts";
import { startRuntime } from "../runtime/worker-runtime.ts";
import { ownAliases } from "./own-package.ts";
import type { Project, WranglerConfig } from "./project.ts";
import type { Located, Target } from "./target.ts";
import { describingConfig } from "./worker-config.ts";

/** A compiled system. */
export interface Compiled {
  readonly manifest: Manifest;
  /** Its Durable Object classes. */
  readonly classes: readonly string[];
  /** What its author should know, in full sentences. */
  readonly warnings: readonly string[];
  /** The files it was made from, absolute: what `run` watches. */
  readonly inputs: readonly string[];
  /** The text of the entry module, to be written to `file`. */
  entryAt(
    file: string,
    options?: { readonly retired?: readonly string[]; readonly forTests?: boolean; readonly isLocal?: boolean },
  ): string;
}

/** Evaluates the target's applications. `scratch` is a directory inside the project for the module that does. */
export async function compileTarget(target: Target, project: Project, base: WranglerConfig, scratch: string): Promise<Compiled> {
  const file = join(scratch, "describe.ts");
  mkdirSync(scratch, { recursive: true });
  writeFileSync(file, describeModule(sourcesFrom(file, target, project.root), target.config.routes));
  try {
    const { manifest, text, inputs } = await evaluate(file, target, project, base);
    const { protocol, ...rest } = manifest;
    const complete: Manifest = { protocol, version: versionOf(text, manifest), ...rest };
    return {
      manifest: complete,
      classes: classNamesOf(complete),
      warnings: policyWarnings(manifest.applications).map(({ message, path }) => placed(message, path, target)),
      inputs: inputs.filter((input) => input !== file),
      entryAt: (entry, { retired = [], forTests = false, isLocal = false } = {}) =>
        entryModule({
          target: labelOf(target, project),
          manifest: complete,
          sources: sourcesAt(entry, target.modules),
          policies: sourcesAt(entry, target.policies),
          retired,
          forTests,
          isLocal,
        }),
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
  return located === message.split("\n    at ")[0] ? placed(located, path, target) : located;
}

function placed(message: string, path: DescribeProblem["path"], { configFile, label }: Target): string {
  return configFile === undefined ? message : `${configPosition(readFileSync(configFile, "utf8"), label, path)}  ${message}`;
}

function sourcesFrom(file: string, { config, modules, policies }: Target, root: string): ApplicationSource[] {
  const code = sourcesAt(file, modules);
  const policyCode = sourcesAt(file, policies);
  return describedApplications(config).map((described) => {
    const policySources = Object.fromEntries(namedPolicies([described]).map(({ key }) => [key, policyCode[key]!]));
    return { ...portable(described, root), ...code[described.name]!, policySources };
  });
}

// The manifest does not say where on this machine the project is.
function portable(described: DescribedApplication, root: string): DescribedApplication {
  const { importPath, autoscalingPolicy, deployments } = described;
  return {
    ...described,
    ...(importPath === undefined ? {} : { importPath: withoutMachine(importPath, root) }),
    ...(autoscalingPolicy === undefined ? {} : { autoscalingPolicy: ported(autoscalingPolicy, root) }),
    deployments: deployments.map((entry) => (entry.policy === undefined ? entry : { ...entry, policy: ported(entry.policy, root) })),
  };
}

function ported(policy: PolicyRef, root: string): PolicyRef {
  return { ...policy, policyFunction: withoutMachine(policy.policyFunction, root) };
}

function withoutMachine(importPath: string, root: string): string {
  return isAbsolute(importPath) ? relative(root, importPath).replaceAll(sep, "/") : importPath;
}

/** How a module at `entry` imports code. */
function sourcesAt(entry: string, code: Readonly<Record<string, Located>>): Record<string, CodeSource> {
  return Object.fromEntries(
    Object.entries(code).map(([key, { file, exportName }]) => [key, { specifier: specifierFrom(entry, file), exportName }]),
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
