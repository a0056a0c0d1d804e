/**
 * The module that is run once, in workerd, to find out what the applications consist of.
 */
import type { RouteConfig } from "../protocol/traffic.ts";
import type { DescribedCode } from "./describe-code.ts";
import type { DescribedMain } from "./describe-main.ts";
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

/** What the module answers: what the applications consist of, and what the user's main has; `null` if it does not load here. */
export type Described = DescribedCode & { readonly main: DescribedMain | null };

/**
 * Text of a Worker that answers every request with {@link Described} as JSON.
 *
 * @param routes Prefixes that several of the applications share.
 * @param main How the user's main is imported, where it is served beside the applications. It may need bindings to load,
 *   which there are not here: then the entry module finds out later whether its default export is a Worker.
 */
export function describeModule(
  sources: readonly ApplicationSource[],
  { main, routes = [] }: { readonly main?: string | undefined; readonly routes?: readonly RouteConfig[] | undefined } = {},
): string {
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
    'import { WorkerEntrypoint } from "cloudflare:workers";',
    'import { describeCode, describeMain } from "edge-serve/worker";',
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
    `const main = async () => ${main === undefined ? "null" : `import(${JSON.stringify(main)}).then(({ default: own }) => describeMain(own, WorkerEntrypoint), () => null)`};`,
    ...(routes.length === 0 ? [] : [`const routes = ${JSON.stringify(routes)};`]),
    "export default {",
    `  fetch: async () => Response.json({ ...describeCode({ applications${routes.length === 0 ? "" : ", routes"} }, code, policies), main: await main() }),`,
    "};",
    "",
  ].join("\n");
}
