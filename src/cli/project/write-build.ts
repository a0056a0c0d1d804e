/**
 * A build on disk: the entry module, and `wrangler.toml` in step with it.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { type BlockReport, updateWranglerToml } from "../../compile/wrangler-block.ts";
import { Failure } from "../failure.ts";
import type { Compiled } from "./compile-target.ts";
import { DEFAULTS, type Project, workerName } from "./project.ts";
import { ENTRY, type UserMain } from "./user-main.ts";

/** A file that a build writes; `before` is `undefined` if it does not exist yet. */
export interface PlannedFile {
  /** Relative to the project's root. */
  readonly path: string;
  readonly before: string | undefined;
  readonly after: string;
}

/** What a build would write, and what becomes of the classes. */
export interface BuildPlan {
  readonly files: readonly PlannedFile[];
  readonly report: BlockReport;
}

/** How to build. */
export interface BuildOptions {
  readonly prune: boolean;
  /** The user's own entry module, where there is one that re-exports the generated one. */
  readonly userMain: UserMain | undefined;
}

/** Works out a build without writing anything. Fails if `wrangler.toml` says something that the build cannot live with. */
export function planBuild(compiled: Compiled, project: Project, { prune, userMain }: BuildOptions): BuildPlan {
  const path = tomlPath(project);
  const before = readText(join(project.root, path));
  const update = updateWranglerToml(before, {
    ...DEFAULTS,
    file: path,
    workerName: workerName(project.root),
    main: userMain === undefined ? ENTRY : relative(project.root, userMain.file),
    classes: compiled.classes,
    prune,
  });
  if ("problems" in update) throw new Failure(update.problems.join("\n"));
  const entry = compiled.entryAt(join(project.root, ENTRY), { retired: update.report.retired });
  return {
    files: [
      { path: ENTRY, before: readText(join(project.root, ENTRY)), after: entry },
      { path, before, after: update.text },
    ],
    report: update.report,
  };
}

/** Writes the files that change. */
export function writeBuild({ files }: BuildPlan, { root }: Project): void {
  for (const { path, before, after } of files) {
    if (before === after) continue;
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), after);
  }
}

function tomlPath({ root, wranglerFile }: Project): string {
  if (wranglerFile === undefined) return "wrangler.toml";
  if (wranglerFile.endsWith(".toml")) return relative(root, wranglerFile);
  throw new Failure(
    `${relative(root, wranglerFile)} configures this Worker, and edge-serve build keeps wrangler.toml in step only. ` +
      "Move its settings to a wrangler.toml; edge-serve run and edge-serve/testing work with either.",
  );
}

function readText(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}
