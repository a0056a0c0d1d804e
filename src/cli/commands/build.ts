import { join } from "node:path";
import type { Manifest } from "../../protocol/manifest.ts";
import type { Command, CommandInput } from "../command.ts";
import { diff } from "../diff.ts";
import { EXIT } from "../failure.ts";
import type { Io } from "../io.ts";
import { type Compiled, compileTarget } from "../project/compile-target.ts";
import { requireInstalled } from "../project/own-package.ts";
import { findProject, readWranglerConfig } from "../project/project.ts";
import { readTarget } from "../project/target.ts";
import { userMainOf } from "../project/user-main.ts";
import { type BuildPlan, planBuild, writeBuild } from "../project/write-build.ts";

/** Writes the entry module and keeps `wrangler.toml` in step. */
export const build: Command = {
  name: "build",
  summary: "Compile the applications: write .edge-serve/worker.ts and keep wrangler.toml in step.",
  args: [{ name: "[target]", summary: "a config file, or a module and its export (default: serve.yaml)" }],
  options: [
    { flags: "--prune", summary: "delete the classes of deployments that are gone, and with them their objects' data" },
    { flags: "--dry-run", summary: "show what would be written, and write nothing" },
  ],
  examples: ["edge-serve build", "edge-serve build src/app.ts:app", "edge-serve build serve.yaml --dry-run"],
  run: async (input, io) => {
    await buildProject(input, io);
    return EXIT.ok;
  },
};

/** What was built, and where. */
export interface BuiltProject {
  readonly root: string;
  readonly manifest: Manifest;
}

/** Builds as the command does, and says so. */
export async function buildProject({ args, options }: CommandInput, io: Io): Promise<BuiltProject> {
  const target = readTarget(args[0], io.cwd);
  if (target.warnings !== "") io.err(`${target.warnings}\n`);
  const project = findProject(target, io.cwd);
  requireInstalled(project.root);
  const config = await readWranglerConfig(project);
  const compiled = await compileTarget(target, project, config, join(project.root, ".edge-serve", "build"));
  const built = { root: project.root, manifest: compiled.manifest };
  const plan = planBuild(compiled, project, { prune: options["prune"] === true, userMain: userMainOf(project, config) });
  for (const warning of [...compiled.warnings, ...plan.report.warnings]) io.err(`warning: ${warning}\n`);
  if (options["dryRun"] === true) {
    const changed = plan.files.filter(({ before, after }) => before !== after);
    io.out(
      changed.length === 0
        ? "Nothing would change.\n"
        : `${changed.map(({ path, before, after }) => diff(path, before, after)).join("\n")}\n`,
    );
    return built;
  }
  writeBuild(plan, project);
  io.out(summarise(compiled, plan));
  return built;
}

function summarise({ manifest }: Compiled, { files, report }: BuildPlan): string {
  const count = (number: number, noun: string) => `${number} ${noun}${number === 1 ? "" : "s"}`;
  const lines = [
    `Built ${count(manifest.applications.length, "application")} with ${count(deploymentCount(manifest), "deployment")}, version ${manifest.version}.`,
    ...files.map(({ path, before, after }) => `  ${path} ${before === undefined ? "written" : before === after ? "unchanged" : "updated"}`),
    ...report.retired.map((name) => `  ${name} is gone from the applications. Its class and data are kept; --prune deletes them.`),
    ...report.deleted.map((name) => `  ${name} is deleted, with its data, by the next deploy.`),
  ];
  return `${lines.join("\n")}\n`;
}

function deploymentCount({ applications }: Manifest): number {
  return applications.reduce((sum, { deployments }) => sum + Object.keys(deployments).length, 0);
}
