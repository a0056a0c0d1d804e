import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { LOCK_FILE } from "../../compile/lock-file.ts";
import { GENERATED_FILE, type WrittenConfig } from "../../compile/wrangler-config.ts";
import type { Command } from "../command.ts";
import { EXIT, Failure } from "../failure.ts";
import { type BuildRecord, isUnchanged, readRecord } from "../project/build-record.ts";
import { compileTarget } from "../project/compile-target.ts";
import { type Project, projectAt } from "../project/project.ts";
import { readTarget, ROUTE_PREFIX_FLAG } from "../project/target.ts";
import { readUserConfig } from "../project/user-config.ts";
import { ENTRY } from "../project/user-main.ts";
import { runUsersCommand } from "../project/users-command.ts";
import { type PlannedFile, planBuild } from "../project/write-build.ts";
import { environmentIn, wranglersArguments } from "../runtime/wrangler-arguments.ts";

/**
 * What the generated configuration has wrangler run before it bundles: the user's own build command, and then whether
 * what was built is still what the code and the configuration come to. Changes nothing.
 */
export const check: Command = {
  name: "check",
  summary: "Fail unless the last build is what the code and the configuration come to. (wrangler runs this.)",
  isHidden: true,
  args: [{ name: "<root>", summary: "the project's directory" }],
  options: [],
  examples: ["edge-serve check ."],
  run: async ({ args: [directory = "."] }, io) => {
    const root = resolve(io.cwd, directory);
    const record = readRecord(root);
    if (record === undefined) throw new Failure(`Nothing has been built in ${root}. Run edge-serve build.`);
    requireSameEnvironment(record);
    const project = projectAt(root);
    await runUsersCommand(await configIn(record, project), { cwd: io.cwd, say: io.err });
    if (isUnchanged(record, root)) return EXIT.ok;

    const read = readTarget(record.target, join(root, record.cwd), { routePrefix: record.routePrefix });
    const config = await readUserConfig(project, record.env);
    const compiled = await compileTarget(read, project, config, join(root, ".edge-serve", `check-${process.pid}`));
    const { files } = await planBuild(compiled, project, config, {
      prune: false,
      acceptEmpty: true,
      configFile: read.configFile,
      ...versionIn(root),
    });
    const changed = files.filter(({ before, after, path }) => comparable(path, before) !== comparable(path, after));
    if (changed.length > 0) throw new Failure(staleBuild(changed, record, read.label, config.label));
    return EXIT.ok;
  },
};

// wrangler compares any other name with the one that was built for.
function requireSameEnvironment(record: BuildRecord): void {
  if (record.env === undefined || environmentIn(wranglersArguments() ?? []) !== "") return;
  const { env: _, ...top } = record;
  throw new Failure(
    `wrangler was told --env "", which is the top level of its configuration, and the last build is for the environment ` +
      `${JSON.stringify(record.env)}. Build for the top level: ${buildCommand(top)}`,
  );
}

// Edits of the code alone give another version, and nothing else.
function versionIn(root: string): { version?: string } {
  const file = join(root, ENTRY);
  const [, version] = /^ {2}version: "([0-9a-f]+)",$/m.exec(existsSync(file) ? readFileSync(file, "utf8") : "") ?? [];
  return version === undefined ? {} : { version };
}

// What is watched follows the imports, which say nothing about what is declared.
function comparable(path: string, text: string | undefined): string | undefined {
  if (path !== GENERATED_FILE || text === undefined) return text;
  try {
    const config = JSON.parse(text) as { build?: object };
    return JSON.stringify({ ...config, build: { ...config.build, watch_dir: undefined } });
  } catch {
    return text;
  }
}

function staleBuild(changed: readonly PlannedFile[], record: BuildRecord, target: string, config: string): string {
  const paths = changed.map(({ path }) => path);
  const reasons = [
    ...(paths.includes(ENTRY) ? [`what ${target} declares`] : []),
    ...(paths.includes(GENERATED_FILE) && !paths.includes(ENTRY) ? [config] : []),
    ...(paths.includes(LOCK_FILE) && paths.length === 1 ? [LOCK_FILE] : []),
  ];
  const what = reasons.length === 0 ? paths.join(", ") : reasons.join(", and ");
  return `The last build is stale: since then ${what} has changed. Build again: ${buildCommand({ ...record, target })}`;
}

function buildCommand({
  target,
  routePrefix,
  env,
}: Pick<BuildRecord, "target" | "routePrefix"> & { readonly env?: string | undefined }): string {
  const options = [...(routePrefix === undefined ? [] : [ROUTE_PREFIX_FLAG, routePrefix]), ...(env === undefined ? [] : ["--env", env])];
  return ["edge-serve build", ...(target === undefined ? [] : [target]), ...options].join(" ");
}

// Reading the configuration takes a second, and mostly it is as it was.
async function configIn(record: BuildRecord, project: Project): Promise<WrittenConfig> {
  const isKnown = project.wranglerFile === undefined || isUnchanged(record, project.root, project.wranglerFile);
  return isKnown ? { build: record.build } : (await readUserConfig(project, record.env)).users;
}
