import { OPTIONS_SCHEMA, optionProblems } from "../api/options.ts";
import type { DeploymentOptions } from "../api/option-types.ts";
import { DEPLOYMENT_SHAPE } from "./deployment-shape.ts";
import { errorAt, type Finding, type Segments } from "./diagnostics.ts";
import { inYamlSpelling, readShape } from "./read-shape.ts";

/** What the config says about one deployment. */
export interface DeploymentEntry {
  readonly name: string;
  /** Go before those in the code; without `name`. */
  readonly options: DeploymentOptions;
}

/** @internal One entry of `deployments`. */
export function readDeployment(value: unknown, at: Segments, findings: Finding[]): DeploymentEntry | undefined {
  const read = readShape(OPTIONS_SCHEMA, { value, at, shape: DEPLOYMENT_SHAPE }, findings);
  if (read === undefined) return undefined;
  for (const { path, problem } of optionProblems(read)) findings.push(boundFinding(at, path, problem));
  const { name, ...options } = read;
  // The schema also describes functions, which no document holds.
  return name === undefined ? undefined : { name, options: options as object as DeploymentOptions };
}

/** The options agree with the schema but not with each other: those sentences hold names and counts only. */
function boundFinding(at: Segments, path: readonly string[], problem: string): Finding {
  const place = inYamlSpelling(path.join("."), DEPLOYMENT_SHAPE).split(".");
  const sentence = inYamlSpelling(problem, DEPLOYMENT_SHAPE).slice(place.join(".").length + 1);
  return errorAt([...at, ...place], sentence);
}
