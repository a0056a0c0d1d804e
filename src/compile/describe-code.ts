/**
 * What a build asks of the applications' code, and what it finds wrong with their policies and their methods' names.
 *
 * A running Worker plans documents with `describeSystem`: what is checked here was checked when it was built.
 */
import { show } from "../protocol/wording.ts";
import { formatPath } from "../config/diagnostics.ts";
import type { ApplicationManifest, PolicyRef } from "../protocol/manifest.ts";
import { own } from "../protocol/own.ts";
import { type DescribedApplication, type DescribeProblem, type DescribeRequest, type DescribeResult, describeSystem } from "./manifest.ts";
import type { PolicyCode } from "../protocol/autoscaling.ts";
import { scheduleProblems } from "../tasks/check-schedules.ts";
import { namedPolicies } from "./policies.ts";

/** What a build is told of the code. */
export type DescribedCode = DescribeResult & {
  /** What an author should know, whatever the configuration says. */
  readonly warnings?: readonly DescribeProblem[];
};

/**
 * Describes a system as `describeSystem` does, and checks the policies and the names of the methods: what a build asks.
 *
 * @param policies What each `policy_function` names, by `policyKey`.
 */
export function describeCode(request: DescribeRequest, code: Readonly<Record<string, unknown>>, policies: PolicyCode): DescribedCode {
  const warnings: DescribeProblem[] = [];
  const result = describeSystem(request, code, policies, (options, deployment, app) => {
    const path = ["applications", request.applications.findIndex(({ name }) => name === app), "import_path"];
    for (const sentence of uncallable(deployment.target))
      warnings.push({ message: `Application ${JSON.stringify(app)}, deployment ${JSON.stringify(deployment.name)}: ${sentence}`, path });
    return scheduleProblems(options);
  });
  const problems = policyProblems(request.applications, policies);
  if (problems.length > 0) return { problems: [...("problems" in result ? result.problems : []), ...problems] };
  return warnings.length === 0 ? result : { ...result, warnings };
}

/** What JavaScript asks every object for, and would be answered by a handle that has it. */
const ASKED_FOR = [
  ["then", "because whatever has one is taken for a promise, and awaited"],
  ["toJSON", "because JSON.stringify calls it, at once, on whatever has one"],
] as const;

function uncallable({ name, prototype }: { readonly name: string; readonly prototype?: unknown }): string[] {
  return ASKED_FOR.filter(([method]) => hasMethod(prototype, method)).map(
    ([method, why]) => `no handle can call the method ${method} of ${name}: a handle has none, ${why}. To call it, give it another name.`,
  );
}

// No getter is run: it may need an instance. A function that is no class has a prototype with nothing in it, or none.
function hasMethod(prototype: unknown, name: string): boolean {
  for (let level = prototype; typeof level === "object" && level !== null; level = Object.getPrototypeOf(level)) {
    const member = Object.getOwnPropertyDescriptor(level, name);
    if (member !== undefined) return typeof member.value === "function";
  }
  return false;
}

function policyProblems(applications: readonly DescribedApplication[], policies: PolicyCode): DescribeProblem[] {
  return namedPolicies(applications).flatMap(({ key, app, policy, path }) => {
    const exports = own(applications.find(({ name }) => name === app)?.policyExports ?? {}, policy.policyFunction);
    const problem = policyProblem(policy, own(policies, key), exports);
    return problem === undefined ? [] : [{ message: `${formatPath(path)} ${problem}`, path }];
  });
}

function policyProblem({ policyFunction }: PolicyRef, value: unknown, exports: readonly string[] = []): string | undefined {
  const names = `names ${JSON.stringify(policyFunction)}, and that is`;
  const accepted = "It must be a function that returns numbers of replicas";
  if (value === undefined) {
    const has = exports.length === 0 ? "The module exports nothing." : `The module exports: ${exports.slice(0, 10).join(", ")}.`;
    return `${names} nothing: there is no such export, or it is undefined. ${has} ${accepted}.`;
  }
  if (typeof value !== "function") return `${names} ${show(value)}. ${accepted}.`;
  if (/^class\b/.test(Function.prototype.toString.call(value))) {
    return `${names} class ${value.name}. ${accepted}: it is given policy_kwargs as its second argument, and keeps what it returns as state.`;
  }
  if (Object.prototype.toString.call(value) === "[object AsyncFunction]") return `${names} an async function. ${accepted} at once.`;
  return undefined;
}

/** What an author should know: policies that have nothing to decide, or are not asked. */
export function policyWarnings(applications: readonly ApplicationManifest[]): DescribeProblem[] {
  return applications.flatMap(({ name, autoscalingPolicy, deployments }, index) => {
    if (autoscalingPolicy === undefined) return [];
    const path = ["applications", index, "autoscaling_policy"];
    const subject = `Application ${JSON.stringify(name)}: autoscaling_policy`;
    const scaled = Object.entries(deployments).filter(([, { autoscaling }]) => autoscaling !== null);
    if (scaled.length === 0) return [{ message: `${subject} has nothing to decide: none of the deployments is autoscaled.`, path }];
    const silent = scaled.filter(([, { autoscaling }]) => autoscaling?.customPolicy).map(([deployment]) => deployment);
    if (silent.length === 0) return [];
    return [
      {
        message: `${subject} decides for all deployments: the policies of their own that these have are not asked: ${silent.join(", ")}.`,
        path,
      },
    ];
  });
}
