/**
 * What a config document comes to on code that is deployed already: `PUT /-/api/applications`.
 *
 * Owns: what a document may not change without a deploy.
 * Does not own: what it may say at all (config/), the merging with the code's own options (`manifest.ts`).
 */
import { type Diagnostic, errorAt, formatPath, toDiagnostic } from "../config/diagnostics.ts";
import { parseImportPath } from "../config/import-path.ts";
import { type SystemConfig, validateConfig } from "../config/system-config.ts";
import type { ApplicationManifest, Manifest } from "../protocol/manifest.ts";
import { describedApplications } from "./described-applications.ts";
import { describeSystem } from "./manifest.ts";

/** What should run, unless there is an error, and everything there is to say about the document. */
export interface PlannedDocument {
  readonly applications?: readonly ApplicationManifest[];
  readonly diagnostics: readonly Diagnostic[];
}

/** Checks a document against what was compiled. Collects all problems, throws none. */
export function planDocument(document: unknown, compiled: Manifest, code: Readonly<Record<string, unknown>>): PlannedDocument {
  const { config, diagnostics } = validateConfig(document);
  if (config === undefined) return { diagnostics };
  const foreign = codeProblems(config, compiled);
  if (foreign.length > 0) return { diagnostics: [...diagnostics, ...foreign] };
  const result = describeSystem({ applications: describedApplications(config) }, code);
  if ("manifest" in result) return { applications: result.manifest.applications, diagnostics };
  const problems = result.problems.map(({ message, path }) => ({ severity: "error" as const, path: formatPath(path), message }));
  return { diagnostics: [...diagnostics, ...problems] };
}

function codeProblems({ applications }: SystemConfig, compiled: Manifest): Diagnostic[] {
  const known = compiled.applications.map(({ name }) => name);
  return applications.flatMap(({ name, importPath, args }, index) => {
    const at = ["applications", index];
    const deployed = compiled.applications.find((candidate) => candidate.name === name);
    const change = "To change code, run edge-serve deploy.";
    if (deployed === undefined) {
      const has = `is ${JSON.stringify(name)}, and the deployed code has: ${known.join(", ") || "no application"}.`;
      return toDiagnostic(errorAt([...at, "name"], `${has} ${change}`));
    }
    const problems: Diagnostic[] = [];
    if (deployed.importPath !== undefined && !isSameCode(importPath, deployed.importPath)) {
      const is = `is ${JSON.stringify(importPath)}, and application ${JSON.stringify(name)} was deployed from ${JSON.stringify(deployed.importPath)}.`;
      problems.push(toDiagnostic(errorAt([...at, "import_path"], `${is} ${change}`)));
    }
    if (args !== undefined && JSON.stringify(args) !== JSON.stringify(deployed.args)) {
      const are = `are ${JSON.stringify(args)}, and application ${JSON.stringify(name)} was built with ${JSON.stringify(deployed.args) ?? "none"}.`;
      problems.push(toDiagnostic(errorAt([...at, "args"], `${are} ${change}`)));
    }
    return problems;
  });
}

// A path is relative to the file that it stands in, so the same code can be named in several ways: the file's own name
// and the export have to agree.
function isSameCode(given: string, deployed: string): boolean {
  return codeName(given) === codeName(deployed);
}

function codeName(importPath: string): string {
  const parsed = parseImportPath(importPath);
  if ("problem" in parsed) return importPath;
  const file = parsed.module.split(/[\\/]/).at(-1) ?? "";
  return `${file.replace(/\.[cm]?[jt]sx?$/, "")}:${parsed.exportName}`;
}
