/**
 * From applications and their configuration to the manifest.
 *
 * Owns: merging options (config file over code over defaults), running builders, walking the graph, and everything
 * that can be wrong with the result.
 * Does not own: reading files, bundling. This runs inside workerd, where the application's modules mean what they
 * mean when they serve; `describe-module.ts` writes the module that calls it.
 *
 * Invariants:
 *   M1. Never throws: every problem is collected, and the manifest is there only if there is none.
 *   M2. The same code and request give the same manifest, byte for byte.
 */
import { type AnyApplication, deploymentsOf } from "../api/application.ts";
import { closest, show } from "../protocol/wording.ts";
import type { DeploymentOptions } from "../api/options.ts";
import { mergeOptions, optionProblems, resolveOptions } from "../api/resolve-options.ts";
import { type AutoscalingPolicy, type PolicyCode, policyKey } from "../protocol/autoscaling.ts";
import { resolveApplication } from "../api/resolve-application.ts";
import { DEPLOYMENT_SHAPE } from "../config/deployment-config.ts";
import { inYamlSpelling } from "../config/read-section.ts";
import type { SystemConfig } from "../config/system-config.ts";
import type { HttpOptions } from "../config/system-options.ts";
import { atCapacity } from "../config/target-capacity.ts";
import { ConfigError } from "../protocol/errors.ts";
import { SESSION_HEADER } from "../protocol/http-request.ts";
import type { ApplicationManifest, DeploymentConfig, Manifest, PolicyRef, SessionsConfig } from "../protocol/manifest.ts";
import { own } from "../protocol/own.ts";
import type { RouteConfig } from "../protocol/traffic.ts";
import { applicationsOf } from "../traffic/state.ts";

/** What is asked of the application's code. All of it is JSON. */
export interface DescribeRequest {
  readonly applications: readonly DescribedApplication[];
  /** Checked already; what they name has to answer HTTP. */
  readonly routes?: readonly RouteConfig[];
}

/** One application as its configuration describes it. */
export interface DescribedApplication {
  readonly name: string;
  readonly routePrefix: string | null;
  /** Nobody has asked for the route: where the ingress deployment answers no HTTP, there is none. */
  readonly isDefaultRoute?: true;
  readonly args?: unknown;
  /** Deadline of HTTP requests in milliseconds, where the ingress deployment has none of its own. */
  readonly httpTimeoutMs?: number;
  readonly sessions?: SessionsConfig;
  /** Scales every number of replicas, in percent. */
  readonly targetCapacity?: number;
  /** Applies to every deployment that does not say otherwise. */
  readonly logging?: DeploymentOptions["logging"];
  /** Options that win over those in the code. */
  readonly deployments: readonly { readonly name: string; readonly options: DeploymentOptions; readonly policy?: PolicyRef }[];
  /** Decides for all autoscaled deployments. */
  readonly autoscalingPolicy?: PolicyRef;
  /** Whether callers outside the Worker reach its handle. */
  readonly rpc?: boolean;
  /** Which export this is, such as `src/app.ts:app`. */
  readonly importPath?: string;
  /** For errors: what the module exports. */
  readonly exports?: readonly string[];
  /** For errors: what the module of each `policy_function` exports. */
  readonly policyExports?: Readonly<Record<string, readonly string[]>>;
}

/** One thing that is wrong with a system. */
export interface DescribeProblem {
  /** Full sentences; lines of a stack may follow. */
  readonly message: string;
  /** Where in the configuration, in the config file's spelling, if it is at fault. */
  readonly path: readonly (string | number)[];
}

/** Says what is wrong with the tasks and the schedules of a deployment of an application, beyond their form: a sentence each. */
export type CheckTasks = (
  options: Pick<DeploymentOptions, "tasks" | "schedules">,
  deployment: AnyApplication["deployment"],
  app: string,
) => readonly string[];

/** The manifest, or every problem found. */
export type DescribeResult = { readonly manifest: Omit<Manifest, "version"> } | { readonly problems: readonly DescribeProblem[] };

/**
 * Describes the system that `request` and the applications' code make up.
 *
 * @param code What each `import_path` names, by application.
 * @param policies What each `policy_function` names, by `policyKey`.
 * @param checkTasks Handed in, because what reads cron expressions is in no bundle without schedules.
 */
export function describeSystem(
  request: DescribeRequest,
  code: Readonly<Record<string, unknown>>,
  policies: PolicyCode = {},
  checkTasks: CheckTasks = () => [],
): DescribeResult {
  const problems = prefixProblems(request.applications);
  const applications: ApplicationManifest[] = [];
  for (const [index, described] of request.applications.entries()) {
    const report: Report = (message, ...path) => problems.push({ message, path: ["applications", index, ...path] });
    const routes = (request.routes ?? []).filter((route) => applicationsOf(route).includes(described.name));
    const application = describeApplication(described, { exported: own(code, described.name), policies, checkTasks, routes }, report);
    if (application !== undefined) applications.push(application);
  }
  if (problems.length > 0) return { problems };
  const { routes = [] } = request;
  return { manifest: { protocol: 1, applications, ...(routes.length === 0 ? {} : { routes }) } };
}

type Report = (message: string, ...path: (string | number)[]) => void;

interface ApplicationCode {
  /** What `import_path` names. */
  readonly exported: unknown;
  readonly policies: PolicyCode;
  readonly checkTasks: CheckTasks;
  /** Those that name it. */
  readonly routes: readonly RouteConfig[];
}

function prefixProblems(applications: readonly DescribedApplication[]): DescribeProblem[] {
  const owners = new Map<string, string>();
  const problems: DescribeProblem[] = [];
  for (const [index, { name, routePrefix }] of applications.entries()) {
    if (routePrefix === null) continue;
    const owner = owners.get(routePrefix);
    if (owner === undefined) {
      owners.set(routePrefix, name);
      continue;
    }
    const both = `Applications ${show(owner)} and ${show(name)}`;
    const message = `${both} both have the route prefix ${show(routePrefix)}. Prefixes must differ.`;
    problems.push({ message, path: ["applications", index, "route_prefix"] });
  }
  return problems;
}

function describeApplication(
  described: DescribedApplication,
  { exported, policies, checkTasks, routes }: ApplicationCode,
  report: Report,
): ApplicationManifest | undefined {
  const { name, args, httpTimeoutMs, sessions, autoscalingPolicy, rpc } = described;
  if (exported === undefined) {
    report(missingExport(described), "import_path");
    return undefined;
  }
  let root: AnyApplication;
  let graph: AnyApplication[];
  try {
    root = resolveApplication(name, exported, args);
    graph = deploymentsOf(root, name);
  } catch (error) {
    report(describeFailure(name, error), "import_path");
    return undefined;
  }
  const routePrefix = described.isDefaultRoute === true && !root.deployment.handlesHttp ? null : described.routePrefix;
  reportUnknown(described, graph, report);
  if (!root.deployment.handlesHttp) {
    const why =
      `but its ingress deployment ${show(root.name)} handles no HTTP: ` +
      `${root.deployment.describeTarget()} has no method fetch or call, and no router. Add one, or`;
    if (routePrefix !== null) {
      report(`Application ${show(name)} has the route prefix ${show(routePrefix)}, ${why} set route_prefix to null.`, "route_prefix");
    }
    for (const { prefix } of routes) {
      report(`Application ${show(name)} is named by route ${show(prefix)}, ${why} take it out of the route.`, "name");
    }
  }
  if (root.deployment.given.keyed === true && routePrefix !== null && root.deployment.handlesHttp) {
    report(
      `Application ${show(name)} has the route prefix ${show(routePrefix)}, but its ingress deployment ${show(root.name)} is keyed, and ` +
        "nothing says which key a request has. Say so in its options, as in keyed: { key: (request) => new URL(request.url).pathname }, or set " +
        "route_prefix to null.",
      "route_prefix",
    );
  }
  const deployments: Record<string, DeploymentConfig> = {};
  for (const application of graph) {
    const config = describeDeployment(described, { application, policies, checkTasks }, report);
    if (config !== undefined) deployments[application.name] = config;
  }
  return {
    name,
    routePrefix,
    ...(described.importPath === undefined ? {} : { importPath: described.importPath }),
    ingress: root.name,
    ...(args === undefined ? {} : { args }),
    ...(httpTimeoutMs === undefined ? {} : { httpTimeoutMs }),
    ...(sessions === undefined ? {} : { sessions }),
    ...(autoscalingPolicy === undefined ? {} : { autoscalingPolicy }),
    ...(rpc === true ? { rpc } : {}),
    deployments,
  };
}

function describeDeployment(
  { name, logging, deployments, targetCapacity }: DescribedApplication,
  {
    application: { deployment },
    policies,
    checkTasks,
  }: Omit<ApplicationCode, "exported" | "routes"> & { readonly application: AnyApplication },
  report: Report,
): DeploymentConfig | undefined {
  const index = deployments.findIndex((candidate) => candidate.name === deployment.name);
  const policy = deployments[index]?.policy;
  const { name: _, ...given } = deployment.given;
  const inherited: DeploymentOptions = logging === undefined ? {} : { logging };
  const merged = mergeOptions(mergeOptions(inherited, given), deployments[index]?.options ?? {});
  const options = policy === undefined ? merged : withPolicy(merged, own(policies, policyKey(name, deployment.name)));
  const problems = optionProblems(options).map(({ problem }) => problem);
  if (problems.length === 0) problems.push(...checkTasks(options, deployment, name));
  const prototype = deployment.target.prototype as { reconfigure?: unknown } | undefined;
  if (options.userConfig !== undefined && !(deployment.isClass && typeof prototype?.reconfigure === "function")) {
    problems.push(
      `userConfig is given, but ${deployment.describeTarget()} has no method reconfigure to give it to. Add one, or remove userConfig.`,
    );
  }
  const path = index < 0 ? ["import_path"] : ["deployments", index];
  for (const problem of problems) {
    // In the words of the document, where it says something about the deployment.
    const sentence = index < 0 ? problem : inYamlSpelling(problem, DEPLOYMENT_SHAPE);
    report(`Application ${show(name)}, deployment ${show(deployment.name)}: ${sentence}`, ...path);
  }
  if (problems.length > 0) return undefined;
  const config = atCapacity(resolveOptions(options), targetCapacity);
  return policy === undefined || config.autoscaling === null ? config : { ...config, autoscaling: { ...config.autoscaling, policy } };
}

// What is no function is for `describe-code.ts` to report.
function withPolicy(options: DeploymentOptions, policy: unknown): DeploymentOptions {
  return typeof policy === "function" ? mergeOptions(options, { autoscaling: { policy: policy as AutoscalingPolicy } }) : options;
}

function reportUnknown({ name, deployments }: DescribedApplication, graph: readonly AnyApplication[], report: Report): void {
  const known = graph.map((application) => application.name);
  for (const [index, deployment] of deployments.entries()) {
    if (known.includes(deployment.name)) continue;
    const near = closest(deployment.name, known);
    const hint = near === undefined ? "" : ` Did you mean ${show(near)}?`;
    report(
      `Application ${show(name)} has no deployment ${show(deployment.name)}. It has: ${known.join(", ")}.${hint}`,
      "deployments",
      index,
      "name",
    );
  }
}

function missingExport({ name, importPath, exports = [] }: DescribedApplication): string {
  const what = importPath === undefined ? "its import_path names nothing" : `there is no export ${JSON.stringify(importPath)}`;
  const has = exports.length === 0 ? "The module exports nothing." : `The module exports: ${exports.slice(0, 10).join(", ")}.`;
  return `Application ${show(name)}: ${what}, or it is undefined. ${has}`;
}

// Our own errors are complete sentences; what a builder throws needs its name and the place it was thrown at.
function describeFailure(name: string, error: unknown): string {
  if (error instanceof ConfigError) return error.message + stackBelow(error);
  if (!(error instanceof Error)) return `Application ${show(name)}: building it threw ${String(error)}.`;
  return `Application ${show(name)}: building it threw ${error.name}: ${error.message}${stackBelow(error)}`;
}

function stackBelow({ stack = "" }: Error): string {
  const frames = stack.split("\n").filter((line) => /^\s+at /.test(line));
  return frames.map((frame) => `\n${frame}`).join("");
}

/** The applications of a document, with what they inherit from the whole of it. */
export function describedApplications({
  applications,
  httpOptions,
  targetCapacity,
  logging: inherited,
}: SystemConfig): DescribedApplication[] {
  const { requestTimeoutMs } = httpOptions;
  const sessions = sessionsOf(httpOptions);
  return applications.map(
    ({ name, routePrefix, isDefaultRoute, args, importPath, autoscalingPolicy, rpc, deployments, logging: given }) => {
      const logging = { ...inherited, ...given };
      return {
        name,
        routePrefix,
        ...(isDefaultRoute === undefined ? {} : { isDefaultRoute }),
        importPath,
        ...(autoscalingPolicy === undefined ? {} : { autoscalingPolicy }),
        ...(rpc === undefined ? {} : { rpc }),
        deployments,
        ...(args === undefined ? {} : { args }),
        ...(targetCapacity === undefined ? {} : { targetCapacity }),
        ...(requestTimeoutMs === undefined ? {} : { httpTimeoutMs: requestTimeoutMs }),
        ...(sessions === undefined ? {} : { sessions }),
        ...(Object.keys(logging).length === 0 ? {} : { logging }),
      };
    },
  );
}

// What is as it is without options is not said.
function sessionsOf({ sessionIdHeaderKey = SESSION_HEADER, sessionIdGenerated = false }: HttpOptions): SessionsConfig | undefined {
  const header = sessionIdHeaderKey.toLowerCase();
  if (header === SESSION_HEADER && !sessionIdGenerated) return undefined;
  return { ...(header === SESSION_HEADER ? {} : { header }), ...(sessionIdGenerated ? { generated: true } : {}) };
}
