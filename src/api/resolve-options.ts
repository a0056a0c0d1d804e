/**
 * From the options that were given for a deployment to the configuration that it runs with.
 *
 * Owns: what has to hold between options, what is merged with what, what goes into the manifest in place of a function or `"auto"`.
 * Does not own: the options themselves (`options.ts`).
 */
import type { AutoscalingConfig, DeploymentConfig } from "../protocol/manifest.ts";
import { group, merged, option, type OptionProblem, problemsOf, refuse, schemaOf, withDefaults } from "./option-table.ts";
import { replicas } from "./option-values.ts";
import {
  AUTOSCALING_OPTIONS,
  type AutoscalingOptions,
  DEPLOYMENT_OPTIONS,
  type DeploymentOptions,
  type FilledOptions,
  INLINE,
} from "./options.ts";
import { show } from "../protocol/wording.ts";

const SCHEMA = schemaOf(DEPLOYMENT_OPTIONS);

/** @internal What is wrong with `options`, one entry a problem; empty when they are accepted. */
export function optionProblems(options: unknown): OptionProblem[] {
  const problems = problemsOf(DEPLOYMENT_OPTIONS, SCHEMA, options);
  return problems.length > 0 ? problems : RELATIONS.flatMap((relation) => relation(options as DeploymentOptions) ?? []).slice(0, 1);
}

/** What says something of replicas and their objects, or of storage: an inline deployment has none. */
const NOT_INLINE = [
  "numReplicas",
  "autoscaling",
  "requestRouter",
  "keyed",
  "healthCheckPeriodMs",
  "healthCheckTimeoutMs",
  "gracefulShutdownTimeoutMs",
  "maxConstructorRetryCount",
  "retries",
  "tasks",
  "schedules",
];

/** What has to hold between options that are each accepted; the first that does not is said. */
const RELATIONS: readonly ((options: DeploymentOptions) => OptionProblem | undefined)[] = [
  (options) => {
    if (options.placement !== INLINE) return undefined;
    const given = options as Readonly<Record<string, unknown>>;
    const name = NOT_INLINE.find((option) => given[option] !== undefined);
    if (name === undefined) return undefined;
    const why = `placement is "inline": such a deployment has no replicas and no storage of its own. Leave ${name} out.`;
    return { path: [name], problem: `${name} is ${show(given[name])}, and ${why}` };
  },
  ({ numReplicas, autoscaling }) =>
    typeof numReplicas === "number" && autoscaling !== undefined
      ? {
          path: ["numReplicas"],
          problem: `numReplicas is ${numReplicas}, and autoscaling is given too. Leave numReplicas out, or make it "auto".`,
        }
      : undefined,
  (options) => {
    const { autoscaling } = resolveOptions(options);
    if (autoscaling === null) return undefined;
    const { minReplicas, initialReplicas, maxReplicas } = autoscaling;
    if (minReplicas > maxReplicas) return outOfOrder(autoscaling, "minReplicas", "maxReplicas", "larger");
    if (initialReplicas < minReplicas) return outOfOrder(autoscaling, "initialReplicas", "minReplicas", "smaller");
    return initialReplicas > maxReplicas ? outOfOrder(autoscaling, "initialReplicas", "maxReplicas", "larger") : undefined;
  },
  (options) => {
    if ((options.keyed ?? false) === false) return undefined;
    const name = WITHOUT_KEYS.find((one) => options[one] !== undefined);
    if (name !== undefined)
      return { path: [name], problem: `${name} is given, but the deployment is keyed: it has one object for each key, and no replicas.` };
    if (options.schedules !== undefined)
      return { path: ["schedules"], problem: "schedules are given, but the deployment is keyed: nothing says which key they are for." };
    const { placement } = options;
    if (typeof placement !== "object" || (placement?.locationHints ?? []).length <= 1) return undefined;
    const problem = "placement.locationHints has several, but the deployment is keyed: one hint says where new objects are made.";
    return { path: ["placement", "locationHints"], problem };
  },
];

/** What is said of replicas, and means nothing where there are none. */
const WITHOUT_KEYS = [
  "numReplicas",
  "autoscaling",
  "requestRouter",
  "healthCheckPeriodMs",
  "healthCheckTimeoutMs",
  "gracefulShutdownTimeoutMs",
  "maxConstructorRetryCount",
] as const satisfies readonly (keyof DeploymentOptions)[];

type Bound = "minReplicas" | "initialReplicas" | "maxReplicas";

function outOfOrder(autoscaling: AutoscalingConfig, one: Bound, other: Bound, wrong: "larger" | "smaller"): OptionProblem {
  const problem = `autoscaling.${one} is ${autoscaling[one]}, but ${other} is ${autoscaling[other]}. ${one} must not be ${wrong}.`;
  return { path: ["autoscaling", one], problem };
}

/** @internal Throws a `ConfigError` that names the deployment and everything that is wrong with its options. */
export function checkOptions(deployment: string, options: unknown): void {
  refuse(`Deployment ${show(deployment)}`, optionProblems(options));
}

/** With `numReplicas: "auto"` there is autoscaling whatever else is given, with another default. */
const WITH_AUTO = {
  ...DEPLOYMENT_OPTIONS,
  autoscaling: group<AutoscalingOptions>({ ...AUTOSCALING_OPTIONS, maxReplicas: option(replicas(0), { default: 100 }) }),
};

/** @internal Fills in every default. `options` must have passed {@link checkOptions}. */
export function resolveOptions(options: DeploymentOptions): DeploymentConfig {
  const table = options.numReplicas === "auto" ? WITH_AUTO : DEPLOYMENT_OPTIONS;
  const { name: _, tasks, keyed, placement, ...filled } = withDefaults<FilledOptions & { readonly name?: string }>(table, options);
  const autoscaling = filled.autoscaling === null ? null : withoutPolicy(filled.autoscaling);
  return {
    ...filled,
    // It is "auto" only where there is autoscaling.
    numReplicas: keyed !== false || placement === INLINE ? 0 : (autoscaling?.initialReplicas ?? (filled.numReplicas as number)),
    autoscaling,
    ...(placement === INLINE ? { placement: {}, inline: true } : { placement }),
    // What most deployments have none of is in no manifest.
    ...(tasks === null ? {} : { tasks }),
    ...(keyed === false ? {} : { keyed: true }),
    requestRouter: typeof filled.requestRouter === "function" ? "custom" : filled.requestRouter,
  };
}

function withoutPolicy({ policy, ...autoscaling }: NonNullable<FilledOptions["autoscaling"]>): AutoscalingConfig {
  return { ...autoscaling, customPolicy: policy !== undefined };
}

/**
 * @internal `override` over `base`. A number of replicas and autoscaling exclude each other, so the one that `override` gives
 * removes the other one from `base`.
 */
export function mergeOptions(base: DeploymentOptions, override: DeploymentOptions): DeploymentOptions {
  const { numReplicas, autoscaling, ...rest } = base;
  const kept = {
    ...rest,
    ...(numReplicas === undefined || (typeof numReplicas === "number" && override.autoscaling !== undefined) ? {} : { numReplicas }),
    ...(autoscaling === undefined || typeof override.numReplicas === "number" ? {} : { autoscaling }),
  };
  return merged(DEPLOYMENT_OPTIONS, kept, override);
}
