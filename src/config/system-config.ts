/**
 * What should run, as an operator says it: a config document, checked.
 *
 * Owns:          the shape of the document, its defaults, and every diagnostic about its content.
 * Does not own:  text and its positions (`parse-file.ts`), the code that `import_path` names, and the merging of
 *                options with those in the code (`compile/`, `controller/`).
 *
 * Invariants:
 *   C1. A document is accepted or refused as a whole: there is a config only when there is no error.
 *   C2. Never throws, and reports every problem in one go.
 *   C3. Runs anywhere: no file, no YAML. `PUT /-/api/applications` uses it in a Worker.
 *   C4. An option is accepted here exactly when it is accepted in code.
 */
import type { LoggingOptions } from "../api/options.ts";
import type { RouteConfig } from "../protocol/traffic.ts";
import { isRecord } from "../protocol/own.ts";
import { type ApplicationConfig, findConflicts, readApplication } from "./application-config.ts";
import { type Diagnostic, type Finding, hasErrors, isEnough, toDiagnostic, withNames } from "./diagnostics.ts";
import { readSection } from "./read-section.ts";
import { readRoutes } from "./routes.ts";
import { type HttpOptions, SYSTEM } from "./system-options.ts";

export type { ApplicationConfig } from "./application-config.ts";
export type { DeploymentEntry } from "./deployment-config.ts";

/** A config document that was accepted, in code's spelling. */
export interface SystemConfig {
  readonly applications: readonly ApplicationConfig[];
  /** Prefixes whose requests are divided among applications; absent where there are none. */
  readonly routes?: readonly RouteConfig[];
  readonly httpOptions: HttpOptions;
  /** Scales every number of replicas, in percent. */
  readonly targetCapacity?: number;
  readonly logging?: LoggingOptions;
}

/** The config, unless there is an error, and everything there is to say about it. */
export interface ConfigResult {
  readonly config?: SystemConfig;
  readonly diagnostics: readonly Diagnostic[];
}

/** Checks a config document, such as the body of `PUT /-/api/applications`. Collects all problems, throws none. */
export function validateConfig(document: unknown): ConfigResult {
  const { config, findings } = readDocument(document);
  return { ...(config === undefined ? {} : { config }), diagnostics: findings.map(toDiagnostic) };
}

/** @internal {@link validateConfig} before the findings are put into text. */
export function readDocument(document: unknown): { config?: SystemConfig; findings: Finding[] } {
  const { findings, ...rest } = readParts(document);
  return { ...rest, findings: findings.map((finding) => withNames(finding, document)) };
}

function readParts(document: unknown): { config?: SystemConfig; findings: Finding[] } {
  const findings: Finding[] = [];
  const read = readSection(SYSTEM, { value: document, at: [] }, findings);
  const entries: unknown = isRecord(document) ? document["applications"] : undefined;
  const applications: ApplicationConfig[] = [];
  if (Array.isArray(entries)) {
    for (const [index, entry] of (entries as unknown[]).entries()) {
      if (isEnough(findings)) break;
      const application = readApplication(entry, ["applications", index], findings);
      if (application !== undefined) applications.push(application);
    }
    findConflicts(entries, ["applications"], findings);
  }
  const routes = readRoutes(isRecord(document) ? document["routes"] : undefined, entries, findings);
  if (read === undefined || hasErrors(findings)) return { findings };
  const { httpOptions = {}, logging, targetCapacity } = read;
  const config: SystemConfig = {
    applications,
    ...(routes.length === 0 ? {} : { routes }),
    httpOptions,
    ...(targetCapacity === undefined ? {} : { targetCapacity }),
    ...(logging === undefined ? {} : { logging }),
  };
  return { config, findings };
}
