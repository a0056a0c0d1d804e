/**
 * What a config document comes to on code that is deployed already: `PUT /-/api/applications`.
 *
 * Owns: what a document may not change without a deploy.
 * Does not own: what it may say at all (config/), the merging with the code's own options (`manifest.ts`).
 */
import { type Diagnostic, errorAt, type Finding, formatPath, toDiagnostic, withNames } from "../config/diagnostics.ts";
import { parseImportPath } from "../config/import-path.ts";
import { type SystemConfig, validateConfig } from "../config/system-config.ts";
import { type ConfigDocument, documentOf } from "../config/to-document.ts";
import type { ApplicationManifest, Manifest } from "../protocol/manifest.ts";
import { own } from "../protocol/own.ts";
import type { RouteConfig } from "../protocol/traffic.ts";
import { show } from "../protocol/wording.ts";
import { type CheckTasks, type DescribedApplication, describedApplications, describeSystem } from "../compile/manifest.ts";
import { namedPolicies, policyIn } from "../compile/policies.ts";
import type { PolicyCode } from "../protocol/autoscaling.ts";

/** What should run, unless there is an error, and everything there is to say about the document. */
export interface PlannedDocument {
  readonly applications?: readonly ApplicationManifest[];
  readonly routes?: readonly RouteConfig[];
  readonly diagnostics: readonly Diagnostic[];
}

/** What was compiled: its description, and the code that is in the Worker. */
export interface CompiledCode {
  readonly manifest: Manifest;
  /** What each `import_path` names, by application. */
  readonly code: Readonly<Record<string, unknown>>;
  /** What each `policy_function` names, by `policyKey`. */
  readonly policies?: PolicyCode;
  /** Missing where the Worker has no classes for tasks. */
  readonly checkTasks?: CheckTasks | undefined;
}

/** Checks a document against what was compiled. Collects all problems, throws none. */
export function planDocument(
  document: unknown,
  { manifest: compiled, code, policies, checkTasks = withoutTasks }: CompiledCode,
): PlannedDocument {
  const { config, diagnostics } = validateConfig(document);
  if (config === undefined) return { diagnostics };
  const foreign = [...codeProblems(config, compiled), ...foreignPolicies(config, compiled)];
  if (foreign.length > 0) return { diagnostics: [...diagnostics, ...foreign.map((one) => toDiagnostic(withNames(one, document)))] };
  const applications = describedApplications(config).map((application) => asOpen(application, compiled));
  const { routes } = config;
  const result = describeSystem({ applications, ...(routes === undefined ? {} : { routes }) }, code, policies, checkTasks);
  if ("manifest" in result) {
    const { manifest } = result;
    const refused = [...jurisdictionProblems(manifest.applications, compiled), ...inlineProblems(manifest.applications, compiled)];
    if (refused.length > 0) return { diagnostics: [...diagnostics, ...refused] };
    return { applications: manifest.applications, ...(manifest.routes === undefined ? {} : { routes: manifest.routes }), diagnostics };
  }
  const problems = result.problems.map(({ message, path }) => ({ severity: "error" as const, path: formatPath(path), message }));
  return { diagnostics: [...diagnostics, ...problems] };
}

// In another jurisdiction the same name is another object. Where a deployment's objects are was compiled, for all who call them.
function jurisdictionProblems(applications: readonly ApplicationManifest[], compiled: Manifest): Diagnostic[] {
  return applications.flatMap(({ name: app, deployments }, index) =>
    Object.entries(deployments).flatMap(([name, { keyed, placement }]): Diagnostic | [] => {
      const before = compiled.applications.find((one) => one.name === app)?.deployments[name]?.placement.jurisdiction;
      if (before === placement.jurisdiction) return [];
      const cure =
        keyed === true
          ? "and the deployment is keyed: every key would be another object, with nothing stored. To accept that, build with --accept-empty, and deploy."
          : "which takes a build and a deploy: those who call its replicas know them where they were built for.";
      const message =
        `Application ${show(app)}, deployment ${show(name)}: placement.jurisdiction changes from ${before ?? "none"} to ` +
        `${placement.jurisdiction ?? "none"}, ${cure}`;
      return { severity: "error", path: formatPath(["applications", index]), message };
    }),
  );
}

// Who may call from outside was compiled, so a document that does not say keeps it.
function asOpen(application: DescribedApplication, compiled: Manifest): DescribedApplication {
  const deployed = compiled.applications.find(({ name }) => name === application.name);
  return deployed?.rpc === undefined ? application : { ...application, rpc: deployed.rpc };
}

// A deployment with objects has a class, and an inline one has none.
function inlineProblems(applications: readonly ApplicationManifest[], compiled: Manifest): Diagnostic[] {
  return applications.flatMap(({ name, deployments }, index) => {
    const deployed = compiled.applications.find((candidate) => candidate.name === name)?.deployments ?? {};
    return Object.entries(deployments).flatMap(([deployment, { inline }]) => {
      if (own(deployed, deployment)?.inline === inline) return [];
      const [is, was] = inline === true ? ["is", "without it"] : ["is not", "with it"];
      const message = `Application ${show(name)}, deployment ${show(deployment)}: placement ${is} "inline", and it was deployed ${was}. ${CHANGE}`;
      return [{ severity: "error" as const, path: formatPath(["applications", index, "deployments"]), message }];
    });
  });
}

const CHANGE = "To change code, run edge-serve deploy.";

// The classes that hold tasks are code.
function withoutTasks({ tasks, schedules = [] }: Parameters<CheckTasks>[0]): string[] {
  const option = tasks !== undefined ? "tasks" : schedules.length > 0 ? "schedules" : undefined;
  return option === undefined ? [] : [`${option} is given, and what was deployed has no deployment with tasks or schedules. ${CHANGE}`];
}

function codeProblems({ applications }: SystemConfig, compiled: Manifest): Finding[] {
  const known = compiled.applications.map(({ name }) => name);
  return applications.flatMap(({ name, importPath, args, rpc }, index) => {
    const at = ["applications", index];
    const deployed = compiled.applications.find((candidate) => candidate.name === name);
    if (deployed === undefined) {
      const has = `is ${show(name)}, and the deployed code has: ${known.join(", ") || "no application"}.`;
      return errorAt([...at, "name"], `${has} ${CHANGE}`);
    }
    const problems: Finding[] = [];
    if (deployed.importPath !== undefined && !isSameCode(importPath, deployed.importPath)) {
      const is = `is ${show(importPath)}, and application ${show(name)} was deployed from ${JSON.stringify(deployed.importPath)}.`;
      problems.push(errorAt([...at, "import_path"], `${is} ${CHANGE}`));
    }
    if (args !== undefined && JSON.stringify(args) !== JSON.stringify(deployed.args)) {
      const are = `are ${show(args)}, and application ${show(name)} was built with ${JSON.stringify(deployed.args) ?? "none"}.`;
      problems.push(errorAt([...at, "args"], `${are} ${CHANGE}`));
    }
    const isOpen = deployed.rpc === true;
    if (rpc !== undefined && rpc !== isOpen) {
      const is = `is ${rpc}, and application ${show(name)} was deployed with ${isOpen}. ${CHANGE}`;
      problems.push(errorAt([...at, "rpc"], is));
    }
    return problems;
  });
}

// Leaving a policy out, and other policy_kwargs, take no code: only the function has to be there.
function foreignPolicies({ applications }: SystemConfig, compiled: Manifest): Finding[] {
  return namedPolicies(applications).flatMap(({ app, deployment, policy, path }) => {
    const deployed = compiled.applications.find(({ name }) => name === app);
    if (deployed === undefined) return [];
    const known = policyIn(deployed, deployment)?.policyFunction;
    if (known !== undefined && isSameCode(policy.policyFunction, known)) return [];
    const was = known === undefined ? "none" : JSON.stringify(known);
    return [errorAt(path, `is ${show(policy.policyFunction)}, and what was deployed has ${was}. ${CHANGE}`)];
  });
}

// A path is relative to the file that it stands in, so the same code can be named in several ways: the file's own name
// and the export have to agree.
function isSameCode(given: string, deployed: string): boolean {
  return codeName(given) === codeName(deployed);
}

function codeName(importPath: string): string {
  const parsed = parseImportPath(importPath);
  if ("problem" in parsed) return importPath;
  const file = parsed.module.split(/[\\/]/).at(-1) ?? "";
  return `${file.replace(/\.[cm]?[jt]sx?$/, "")}:${parsed.exportName}`;
}

/** The document that comes to what is in force when it is put to this code. */
export function documentInForce(
  applications: readonly ApplicationManifest[],
  code: Readonly<Record<string, unknown>>,
  routes: readonly RouteConfig[] = [],
): ConfigDocument {
  const bare = applications.map(({ name, routePrefix, args }) => ({
    name,
    routePrefix,
    ...(args === undefined ? {} : { args }),
    deployments: [],
  }));
  const result = describeSystem({ applications: bare }, code);
  return documentOf(applications, "manifest" in result ? result.manifest.applications : [], routes);
}
