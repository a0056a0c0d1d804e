/**
 * What the user asked to build: `module:app`, or a config file.
 */
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, isAbsolute, relative, resolve } from "node:path";
import { namedPolicies } from "../../compile/policies.ts";
import { prefixInUrls, routePrefixProblem } from "../../config/application-config.ts";
import { DEFAULT_NAME, formatDiagnostics, formatPath, hasErrors } from "../../config/diagnostics.ts";
import { parseImportPath } from "../../config/import-path.ts";
import { configPosition, parseConfigText } from "../../config/parse-file.ts";
import type { ApplicationConfig, SystemConfig } from "../../config/system-config.ts";
import { DEFAULT_PREFIX } from "../../config/system-options.ts";
import { EXIT, Failure } from "../failure.ts";

/** Where code is: the file, absolute, and the export. */
export interface Located {
  readonly file: string;
  readonly exportName: string;
}

/** What a command line says of the application that it names. Config files say it themselves. */
export interface Given {
  /** For a builder. */
  readonly args?: unknown;
  /** The path under which HTTP requests reach it. `undefined` is `/`, or none for one that answers no HTTP. */
  readonly routePrefix?: string | undefined;
}

/** A system as it is asked for: its configuration, and where each application's code is. */
export interface Target {
  /** As the user wrote it. */
  readonly label: string;
  readonly config: SystemConfig;
  /** By application. */
  readonly modules: Readonly<Record<string, Located>>;
  /** The same of each autoscaling policy that the config file names, by `policyKey`. */
  readonly policies: Readonly<Record<string, Located>>;
  /** The config file, absolute, if there is one. */
  readonly configFile?: string;
  /** What the config file's author should know. */
  readonly warnings: string;
}

/** The option that says it. */
export const ROUTE_PREFIX_FLAG = "--route-prefix";

const CONFIG_FILE = /\.(ya?ml|json)$/;
const DEFAULT_FILE = "serve.yaml";
const FORMS = "Write a module and its export, such as src/app.ts:app, or a config file, such as serve.yaml.";
const POLICY_FORM = "Write a module and its export, such as src/policies.ts:share, relative to the config file.";
const EXTENSIONS = ["", ".ts", ".tsx", ".mts", ".js", ".jsx", ".mjs"];

/** Reads a target, relative to `cwd`; without one, `serve.yaml`. */
export function readTarget(text: string | undefined, cwd: string, given: Given = {}): Target {
  const label = text ?? DEFAULT_FILE;
  if (text === undefined && !existsSync(resolve(cwd, DEFAULT_FILE))) {
    throw new Failure(`There is no ${DEFAULT_FILE} in ${cwd}, and no target is given. ${FORMS}`, EXIT.usage);
  }
  return CONFIG_FILE.test(label) ? readConfigFile(label, resolve(cwd, label), cwd, given) : readImportPath(label, cwd, given);
}

function readImportPath(label: string, cwd: string, { args, routePrefix: asked }: Given): Target {
  const routePrefix = asked ?? DEFAULT_PREFIX;
  const problem = routePrefixProblem(routePrefix);
  if (problem !== undefined) throw new Failure(`${ROUTE_PREFIX_FLAG} ${problem}`, EXIT.usage);
  const application: ApplicationConfig = {
    name: DEFAULT_NAME,
    routePrefix: prefixInUrls(routePrefix),
    ...(asked === undefined ? { isDefaultRoute: true } : {}),
    importPath: label,
    ...(args === undefined ? {} : { args }),
    deployments: [],
  };
  const config: SystemConfig = { applications: [application], httpOptions: {} };
  return { label, config, modules: { [DEFAULT_NAME]: locate(label, cwd, "The target") }, policies: {}, warnings: "" };
}

function readConfigFile(label: string, file: string, cwd: string, { args, routePrefix }: Given): Target {
  if (args !== undefined) {
    throw new Failure(
      `Arguments are for a builder named on the command line; ${label} gives each application its args itself.`,
      EXIT.usage,
    );
  }
  if (routePrefix !== undefined) {
    throw new Failure(
      `${ROUTE_PREFIX_FLAG} is for an application named on the command line; ${label} gives each application its route_prefix itself.`,
      EXIT.usage,
    );
  }
  if (!existsSync(file)) throw new Failure(`There is no file ${label} in ${cwd}.`);
  const text = readFileSync(file, "utf8");
  const { config, diagnostics } = parseConfigText(text, relative(cwd, file) || label);
  if (config === undefined || hasErrors(diagnostics)) throw new Failure(formatDiagnostics(diagnostics));
  const located = config.applications.map(({ name, importPath }) => {
    return [name, locate(importPath, dirname(file), `${label}: application ${JSON.stringify(name)}: import_path`)] as const;
  });
  const policies = namedPolicies(config.applications).map(({ key, policy, path }) => {
    const subject = `${configPosition(text, label, path)}  ${formatPath(path)}`;
    return [key, locate(policy.policyFunction, dirname(file), subject, POLICY_FORM)] as const;
  });
  return {
    label,
    config,
    modules: Object.fromEntries(located),
    policies: Object.fromEntries(policies),
    configFile: file,
    warnings: formatDiagnostics(diagnostics),
  };
}

function locate(importPath: string, directory: string, subject: string, forms = FORMS): Located {
  const parsed = parseImportPath(importPath);
  if ("problem" in parsed) throw new Failure(`${subject} ${parsed.problem}`, EXIT.usage);
  const path = isAbsolute(parsed.module) ? parsed.module : resolve(directory, parsed.module);
  const found = EXTENSIONS.map((extension) => path + extension).find((candidate) => existsSync(candidate) && statSync(candidate).isFile());
  if (found === undefined) {
    throw new Failure(`${subject} names ${JSON.stringify(parsed.module)}, but there is no file ${path}. ${forms}`);
  }
  return { file: found, exportName: parsed.exportName };
}
