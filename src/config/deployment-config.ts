import * as v from "valibot";
import { AUTOSCALING_SCHEMA, OPTIONS_SCHEMA, optionProblems } from "../api/options.ts";
import type { DeploymentOptions } from "../api/option-types.ts";
import type { PolicyRef } from "../protocol/manifest.ts";
import { DEPLOYMENT_SHAPE } from "./deployment-shape.ts";
import { errorAt, type Finding, type Segments } from "./diagnostics.ts";
import { POLICY_SCHEMA } from "./policy-config.ts";
import { inYamlSpelling, readShape } from "./read-shape.ts";

/** What the config says about one deployment. */
export interface DeploymentEntry {
  readonly name: string;
  /** Go before those in the code; without `name`, and without a policy. */
  readonly options: DeploymentOptions;
  /** Goes before `autoscaling.policy` in the code. */
  readonly policy?: PolicyRef;
}

/** @internal A document names a policy, where code has the function. */
export const DEPLOYMENT_SCHEMA = v.strictObject(
  {
    ...OPTIONS_SCHEMA.entries,
    autoscaling: v.optional(v.strictObject({ ...AUTOSCALING_SCHEMA.entries, policy: v.optional(POLICY_SCHEMA) }, "an object")),
  },
  "an object",
);

/** @internal One entry of `deployments`. */
export function readDeployment(value: unknown, at: Segments, findings: Finding[]): DeploymentEntry | undefined {
  const read = readShape(DEPLOYMENT_SCHEMA, { value, at, shape: DEPLOYMENT_SHAPE }, findings);
  if (read === undefined) return undefined;
  const { name, autoscaling: { policy, ...autoscaling } = {}, ...rest } = read;
  const options = read.autoscaling === undefined ? rest : { ...rest, autoscaling };
  for (const { path, problem } of optionProblems(options)) findings.push(boundFinding(at, path, problem));
  if (name === undefined) return undefined;
  // The schema also describes functions, which no document holds.
  return { name, options: options as object as DeploymentOptions, ...(policy === undefined ? {} : { policy: policy as PolicyRef }) };
}

/** The options agree with the schema but not with each other: those sentences hold names and counts only. */
function boundFinding(at: Segments, path: readonly string[], problem: string): Finding {
  const place = inYamlSpelling(path.join("."), DEPLOYMENT_SHAPE).split(".");
  const sentence = inYamlSpelling(problem, DEPLOYMENT_SHAPE).slice(place.join(".").length + 1);
  return errorAt([...at, ...place], sentence);
}
