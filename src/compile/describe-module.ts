/**
 * The module that is run once, in workerd, to find out what the applications consist of.
 */
import type { RouteConfig } from "../protocol/traffic.ts";
import type { DescribedApplication } from "./manifest.ts";
import { namedPolicies } from "./policies.ts";

/** Where the code of something is. */
export interface CodeSource {
  /** How the generated module imports the module. */
  readonly specifier: string;
  /** `"default"`, or the name of an export. */
  readonly exportName: string;
}

/** An application, and where its code is. */
export interface ApplicationSource extends DescribedApplication, CodeSource {
  /** Where the code of its policies is, by `policyKey`. */
  readonly policySources?: Readonly<Record<string, CodeSource>>;
}

/** Text of a Worker that answers every request with the {@link DescribeResult} as JSON. */
export function describeModule(sources: readonly ApplicationSource[], routes: readonly RouteConfig[] = []): string {
  const policies = sources.flatMap(({ policySources = {} }) => Object.entries(policySources));
  const modules = [...new Set([...sources, ...policies.map(([, source]) => source)].map(({ specifier }) => specifier))];
  const nameOf = (source: CodeSource) => `module${modules.indexOf(source.specifier)}`;
  // An import of the whole module: a missing export is then ours to report, with the exports that there are.
  const imports = modules.map((specifier, index) => `import * as module${index} from ${JSON.stringify(specifier)};`);
  const applications = sources.map((source) => {
    const { specifier: _, exportName: __, policySources = {}, ...described } = source;
    const named = namedPolicies([described]).map(
      ({ key, policy }) => `${JSON.stringify(policy.policyFunction)}: Object.keys(${nameOf(policySources[key]!)})`,
    );
    const policyExports = named.length === 0 ? "" : `, policyExports: { ${named.join(", ")} }`;
    return `  { ...${JSON.stringify(described)}, exports: Object.keys(${nameOf(source)})${policyExports} },`;
  });
  const line = (key: string, source: CodeSource) => `  ${JSON.stringify(key)}: ${nameOf(source)}[${JSON.stringify(source.exportName)}],`;
  return [
    'import { describeCode } from "edge-serve/worker";',
    ...imports,
    "const applications = [",
    ...applications,
    "];",
    "const code = {",
    ...sources.map((source) => line(source.name, source)),
    "};",
    "const policies = {",
    ...policies.map(([key, source]) => line(key, source)),
    "};",
    ...(routes.length === 0 ? [] : [`const routes = ${JSON.stringify(routes)};`]),
    `export default { fetch: () => Response.json(describeCode({ applications${routes.length === 0 ? "" : ", routes"} }, code, policies)) };`,
    "",
  ].join("\n");
}
