/**
 * From a target to a manifest and an entry module: the compiler, with its disk and its runtime.
 *
 * Owns: evaluating the application in workerd, bundled by wrangler as it will be when it serves.
 * Does not own: where the entry goes, and how wrangler is configured; commands decide that.
 *
 * Invariants:
 *   C1. The version changes whenever the bundled code or the manifest does, and does not depend on where the project is.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { policyWarnings } from "../../compile/describe-code.ts";
import type { DescribedMain } from "../../compile/describe-main.ts";
import { type ApplicationSource, type CodeSource, describeModule, type Described } from "../../compile/describe-module.ts";
import { classNamesOf, entryModule } from "../../compile/entry-module.ts";
import type { BuiltClass } from "../../compile/lock-file.ts";
import { type DescribedApplication, describedApplications, type DescribeProblem } from "../../compile/manifest.ts";
import { namedPolicies } from "../../compile/policies.ts";
import { configPosition } from "../../config/parse-file.ts";
import type { Manifest, PolicyRef } from "../../protocol/manifest.ts";
import { classNameOf } from "../../protocol/names.ts";
import { Failure } from "../failure.ts";
import type { Bundle } from "../runtime/bundle.ts";
import { importedElsewhere, locateProblem } from "../runtime/runtime-failure.ts";
import { shown } from "../runtime/source-positions.ts";
import { startRuntime } from "../runtime/worker-runtime.ts";
import { ownAliases } from "./own-package.ts";
import { pathFrom, type Project } from "./project.ts";
import type { Located, Target } from "./target.ts";
import type { UserConfig } from "./user-config.ts";
import { ENTRY, mainWarnings, type UserMain, userMainOf } from "./user-main.ts";
import { describingConfig } from "./worker-config.ts";

/** A compiled system. */
export interface Compiled {
  readonly manifest: Manifest;
  /** Its Durable Object classes. */
  readonly builtClasses: readonly BuiltClass[];
  /** The user's own entry module, where there is one. */
  readonly userMain: UserMain | undefined;
  /** There is, as far as is known, a `fetch` of the user's beside the applications. */
  readonly hasFetchBeside: boolean;
  /** What its author should know, in full sentences. */
  readonly warnings: readonly string[];
  /** The files it was made from, absolute: what `run` watches. */
  readonly inputs: readonly string[];
  /** The text of the entry module, to be written to `file`. */
  entryAt(file: string, options?: EntryOptions): string;
}

/** How an entry module differs from another one of the same system. */
export interface EntryOptions {
  readonly retired?: readonly string[];
  readonly forTests?: boolean;
  readonly isLocal?: boolean;
  /** Cron triggers of the user's own. */
  readonly crons?: readonly string[];
  /** Another version than that of the code. */
  readonly version?: string;
}

/** Evaluates the target's applications. `scratch` is a directory inside the project for the module that does. */
export async function compileTarget(target: Target, project: Project, config: UserConfig, scratch: string): Promise<Compiled> {
  const file = join(scratch, "describe.ts");
  const userMain = await userMainOf(project, config);
  const beside = userMain !== undefined && userMain.specifiers.length === 0 ? userMain.file : undefined;
  mkdirSync(scratch, { recursive: true });
  writeFileSync(
    file,
    describeModule(sourcesFrom(file, target, project.root), { main: beside && specifierFrom(file, beside), routes: target.config.routes }),
  );
  try {
    const { manifest, text, inputs, main, warnings } = await evaluate(file, target, project, config);
    if (inputs.includes(join(project.root, ENTRY))) throw new Failure(importedElsewhere(project.root));
    const { protocol, ...rest } = manifest;
    const complete: Manifest = { protocol, version: versionOf(text, manifest), ...rest };
    const classes = classNamesOf(complete);
    if (main?.problem !== undefined) throw new Failure(`${shown(userMain!.file, project.root)}: ${main.problem}`);
    return {
      manifest: complete,
      builtClasses: builtClassesOf(complete, classes),
      userMain,
      hasFetchBeside: beside !== undefined && main?.hasFetch !== false,
      warnings: [
        ...(userMain === undefined ? [] : mainWarnings(userMain, project.root)),
        ...[...warnings, ...policyWarnings(manifest.applications)].map(({ message, path }) => placed(message, path, target)),
        ...routeWarnings(manifest.applications, target),
      ],
      inputs: [...new Set([...inputs, ...(userMain?.inputs ?? [])])].filter((input) => input !== file),
      entryAt: (entry, { retired = [], forTests = false, isLocal = false, crons = [], version = complete.version } = {}) =>
        entryModule({
          target: withoutMachine(target.label, project.root),
          manifest: { ...complete, version },
          sources: sourcesAt(entry, target.modules),
          policies: sourcesAt(entry, target.policies),
          retired,
          ...(beside === undefined ? {} : { beside: specifierFrom(entry, beside), crons }),
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

// A bare target has the route / unless nobody could answer there.
function routeWarnings(applications: Manifest["applications"], { config }: Target): string[] {
  return applications
    .filter(({ name, routePrefix }) => routePrefix === null && config.applications.some((one) => one.name === name && one.isDefaultRoute))
    .map(
      ({ name, ingress }) =>
        `Application ${JSON.stringify(name)} has no route, because its ingress deployment ${JSON.stringify(ingress)} answers no HTTP. ` +
        "It is called by handles only.",
    );
}

function builtClassesOf({ applications }: Manifest, classes: readonly string[]): BuiltClass[] {
  const configs = new Map(
    applications.flatMap(({ name, deployments }) =>
      Object.entries(deployments).map(([deployment, config]) => [classNameOf(name, deployment), config] as const),
    ),
  );
  return classes.map((name) => {
    const { keyed, placement: { jurisdiction } = {} } = configs.get(name) ?? {};
    return { name, keyed: keyed === true, ...(jurisdiction === undefined ? {} : { jurisdiction }) };
  });
}

interface Evaluated {
  readonly manifest: Omit<Manifest, "version">;
  /** The bundle that was evaluated. */
  readonly text: string;
  readonly inputs: readonly string[];
  readonly main: DescribedMain | null;
  readonly warnings: readonly DescribeProblem[];
}

async function evaluate(file: string, target: Target, { root }: Project, config: UserConfig): Promise<Evaluated> {
  const runtime = await startRuntime({
    root,
    config: describingConfig(config, file, ownAliases(root)),
    env: config.env,
    persist: false,
    host: "127.0.0.1",
    isDirect: true,
  });
  try {
    const response = await runtime.fetch("/");
    if (!response.ok) throw new Failure(locateProblem(await response.text(), runtime.bundle, root));
    const result = (await response.json()) as Described;
    if ("problems" in result) throw new Failure(result.problems.map((problem) => locate(problem, target, runtime.bundle, root)).join("\n"));
    const { text, inputs } = runtime.bundle;
    return { manifest: result.manifest, text, inputs, main: result.main, warnings: result.warnings ?? [] };
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

// Neither the manifest nor the entry module says where on this machine the project is.
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

function withoutMachine(path: string, root: string): string {
  return isAbsolute(path) ? pathFrom(root, path) : path;
}

/** How a module at `entry` imports code. */
function sourcesAt(entry: string, code: Readonly<Record<string, Located>>): Record<string, CodeSource> {
  return Object.fromEntries(
    Object.entries(code).map(([key, { file, exportName }]) => [key, { specifier: specifierFrom(entry, file), exportName }]),
  );
}

function specifierFrom(from: string, to: string): string {
  const path = pathFrom(dirname(from), to);
  return path.startsWith("../") ? path : `./${path}`;
}

// The bundle names its inputs in comments, with wrangler's temporary directories among them.
const PATH_COMMENTS = /^\s*\/\/.*$/gm;

function versionOf(bundle: string, manifest: Omit<Manifest, "version">): string {
  const hash = createHash("sha256").update(bundle.replaceAll(PATH_COMMENTS, "")).update(JSON.stringify(manifest));
  return hash.digest("hex").slice(0, 12);
}
