/**
 * An entry of `deployments`: the options of a deployment, where a document can say them.
 */
import * as v from "valibot";
import { option, type OptionsOf, regrouped } from "../api/option-table.ts";
import { AUTOSCALING_OPTIONS, DEFAULT_ROUTER, DEPLOYMENT_OPTIONS, type DeploymentOptions, ROUTERS } from "../api/options.ts";
import { optionProblems } from "../api/resolve-options.ts";
import type { PolicyRef } from "../protocol/manifest.ts";
import { errorAt, type Finding, type Segments } from "./diagnostics.ts";
import { policyOption } from "./policy-config.ts";
import { AUTOSCALING_RAY_KEYS, DEPLOYMENT_RAY_KEYS, LOGGING_RAY_KEYS } from "./ray-keys.ts";
import { inYamlSpelling, readSection } from "./read-section.ts";
import { sectionOf, type Shape } from "./shape.ts";

/** What the config says about one deployment. */
export interface DeploymentEntry {
  readonly name: string;
  /** Go before those in the code; without `name`, and without a policy. */
  readonly options: DeploymentOptions;
  /** Goes before `autoscaling.policy` in the code. */
  readonly policy?: PolicyRef;
}

/** @internal */
export const AUTOSCALING_ENTRY = {
  ...AUTOSCALING_OPTIONS,
  /** Decides the number of replicas instead of the load; goes before the code's. */
  policy: policyOption,
};

// Whether a deployment is keyed decides what its callers' code can do with it: no document changes that.
const { keyed: _, ...IN_A_DOCUMENT } = DEPLOYMENT_OPTIONS;

/** @internal The options of a deployment, with the name of a function where code has the function. */
export const DEPLOYMENT_ENTRY = {
  ...IN_A_DOCUMENT,
  /** The deployment of the application that this entry is about. */
  name: { ...DEPLOYMENT_OPTIONS.name, required: true },
  /** Lets the number of replicas follow the load. */
  autoscaling: regrouped<OptionsOf<typeof AUTOSCALING_ENTRY>>(DEPLOYMENT_OPTIONS.autoscaling, AUTOSCALING_ENTRY),
  /**
   * How a caller chooses among the replicas: by load, or by key or model id.
   *
   * @default "powerOfTwoChoices"
   */
  requestRouter: option(v.picklist(ROUTERS, `${ROUTERS.map((name) => JSON.stringify(name)).join(" or ")}; a function belongs in code`), {
    default: DEFAULT_ROUTER,
  }),
};

const DEPLOYMENT = sectionOf(DEPLOYMENT_ENTRY, {
  "": DEPLOYMENT_RAY_KEYS,
  autoscaling: AUTOSCALING_RAY_KEYS,
  logging: LOGGING_RAY_KEYS,
});

/** @internal */
export const DEPLOYMENT_SHAPE: Shape = DEPLOYMENT.shape;

/** @internal One entry of `deployments`. */
export function readDeployment(value: unknown, at: Segments, findings: Finding[]): DeploymentEntry | undefined {
  const read = readSection(DEPLOYMENT, { value, at }, findings);
  if (read === undefined) return undefined;
  const { name, autoscaling: { policy, ...autoscaling } = {}, ...rest } = read;
  const options: DeploymentOptions = read.autoscaling === undefined ? rest : { ...rest, autoscaling };
  for (const { path, problem } of optionProblems(options)) findings.push(boundFinding(at, path, problem));
  return name === undefined ? undefined : { name, options, ...(policy === undefined ? {} : { policy }) };
}

/** The options agree with the schema but not with each other: those sentences hold names and counts only. */
function boundFinding(at: Segments, path: readonly string[], problem: string): Finding {
  const place = inYamlSpelling(path.join("."), DEPLOYMENT_SHAPE).split(".");
  const sentence = inYamlSpelling(problem, DEPLOYMENT_SHAPE).slice(place.join(".").length + 1);
  return errorAt([...at, ...place], sentence);
}
