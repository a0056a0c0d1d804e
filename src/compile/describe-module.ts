/**
 * The module that is run once, in workerd, to find out what the applications consist of.
 */
import type { DescribedApplication } from "./manifest.ts";

/** An application, and where its code is. */
export interface ApplicationSource extends DescribedApplication {
  /** How the generated module imports the application's module. */
  readonly specifier: string;
  /** `"default"`, or the name of an export. */
  readonly exportName: string;
}

/** Text of a Worker that answers every request with the {@link DescribeResult} as JSON. */
export function describeModule(sources: readonly ApplicationSource[]): string {
  const modules = [...new Set(sources.map(({ specifier }) => specifier))];
  const nameOf = (source: ApplicationSource) => `module${modules.indexOf(source.specifier)}`;
  // An import of the whole module: a missing export is then ours to report, with the exports that there are.
  const imports = modules.map((specifier, index) => `import * as module${index} from ${JSON.stringify(specifier)};`);
  const applications = sources.map((source) => {
    const { specifier: _, exportName: __, ...described } = source;
    return `  { ...${JSON.stringify(described)}, exports: Object.keys(${nameOf(source)}) },`;
  });
  const code = sources.map((source) => `  ${JSON.stringify(source.name)}: ${nameOf(source)}[${JSON.stringify(source.exportName)}],`);
  return [
    'import { describeSystem } from "edge-serve/worker";',
    ...imports,
    "const applications = [",
    ...applications,
    "];",
    "const code = {",
    ...code,
    "};",
    "export default { fetch: () => Response.json(describeSystem({ applications }, code)) };",
    "",
  ].join("\n");
}
