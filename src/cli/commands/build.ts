import { join } from "node:path";
import { spawnSync } from "node:child_process";
import { deploymentOf, LOCK_FILE, type Prune } from "../../compile/lock-file.ts";
import { GENERATED_FILE, REDIRECT_FILE } from "../../compile/wrangler-config.ts";
import type { Manifest } from "../../protocol/manifest.ts";
import type { Command, CommandInput, Io, OptionSpec } from "../command.ts";
import { EXIT, Failure } from "../failure.ts";
import { writeRecord } from "../project/build-record.ts";
import { type Compiled, compileTarget } from "../project/compile-target.ts";
import { requireInstalled } from "../project/own-package.ts";
import { findProject, type Project, startOf } from "../project/project.ts";
import { readTarget, ROUTE_PREFIX_FLAG } from "../project/target.ts";
import { envOf, readUserConfig } from "../project/user-config.ts";
import { ENTRY } from "../project/user-main.ts";
import { runUsersCommand } from "../project/users-command.ts";
import { type BuildPlan, planBuild, requireOwnRedirect, writeBuild } from "../project/write-build.ts";

/** Which environment of wrangler's configuration. */
export const ENV_OPTION: OptionSpec = {
  flags: "--env <name>",
  summary: "the environment of wrangler's configuration (default: CLOUDFLARE_ENV, else the top level)",
};

/** Where an application is that the command line names. */
export const ROUTE_PREFIX_OPTION: OptionSpec = {
  flags: `${ROUTE_PREFIX_FLAG} <path>`,
  summary: "the path of an application that is named by module and export (default: /)",
};

/** What `--route-prefix` says. */
export function routePrefixOf({ routePrefix }: CommandInput["options"]): string | undefined {
  return typeof routePrefix === "string" ? routePrefix : undefined;
}

/** What `build` and `deploy` share. */
export const BUILD_OPTIONS: readonly OptionSpec[] = [
  ENV_OPTION,
  ROUTE_PREFIX_OPTION,
  {
    flags: "--prune [app/name]",
    summary: "delete the classes of deployments that are gone, or of one of them, and with them their objects' data",
  },
  {
    flags: "--accept-empty",
    summary: "let a keyed deployment move to another jurisdiction, where no key has anything stored",
  },
  { flags: "--frozen", summary: `fail if ${LOCK_FILE} would change` },
];

/** Writes the entry module, and the configuration that wrangler is sent to. */
export const build: Command = {
  name: "build",
  summary: `Compile the applications: write ${ENTRY} and ${GENERATED_FILE}, which wrangler then uses.`,
  args: [{ name: "[target]", summary: "a config file, or a module and its export (default: serve.yaml)" }],
  options: [...BUILD_OPTIONS, { flags: "--dry-run", summary: "show what would be written, and write nothing" }],
  examples: [
    "edge-serve build",
    "edge-serve build src/app.ts:app --route-prefix /api --env staging",
    "edge-serve build serve.yaml --dry-run",
  ],
  run: async (input, io) => {
    await buildProject(input, io);
    return EXIT.ok;
  },
};

/** What was built, and where. */
export interface BuiltProject {
  readonly root: string;
  readonly env: string | undefined;
  readonly manifest: Manifest;
}

/** Builds as the command does, and says so. */
export async function buildProject({ args: [given], options }: CommandInput, io: Io): Promise<BuiltProject> {
  const { prune, target: label } = pruneAndTarget(options["prune"], given);
  const routePrefix = routePrefixOf(options);
  const target = readTarget(label, io.cwd, { routePrefix });
  if (target.warnings !== "") io.err(`${target.warnings}\n`);
  const project = findProject(target, io.cwd);
  const { root } = project;
  requireInstalled(root);
  requireOwnRedirect(project);
  const config = await readUserConfig(project, envOf(options["env"], io.env));
  await runUsersCommand(config.users, { cwd: startOf(project, io.cwd), say: io.err });
  const compiled = await compileTarget(target, project, config, join(root, ".edge-serve", "build"));
  const plan = await planBuild(compiled, project, config, {
    prune,
    acceptEmpty: options["acceptEmpty"] === true,
    configFile: target.configFile,
  });
  const built = { root, env: config.env, manifest: compiled.manifest };
  for (const warning of [...compiled.warnings, ...plan.warnings]) io.err(`warning: ${warning}\n`);
  if (options["frozen"] === true) requireFrozen(plan);
  if (options["dryRun"] === true) {
    const changed = plan.files.filter(({ before, after }) => before !== after);
    const shown = changed.map(({ path, before, after }) => diff(path, before, after)).join("\n");
    io.out(changed.length === 0 ? "Nothing would change.\n" : `${shown}\n`);
    return built;
  }
  writeBuild(plan, project);
  const files = [...compiled.inputs, ...plan.files.map(({ path }) => path), project.wranglerFile, target.configFile];
  writeRecord({
    root,
    target: label,
    cwd: io.cwd,
    routePrefix,
    env: config.env,
    build: config.users["build"],
    files: files.filter((file) => file !== undefined),
  });
  io.out(summarise(compiled, plan));
  const seen = seenByGit(project);
  if (seen.length > 0)
    io.err(`warning: git does not ignore ${seen.join(", ")}, which are generated. Add to .gitignore:\n${IGNORED.join("\n")}\n`);
  return built;
}

// What stands after --prune is the target, where it cannot be a deployment.
function pruneAndTarget(prune: string | boolean | undefined, target: string | undefined): { prune: Prune; target: string | undefined } {
  if (typeof prune !== "string") return { prune: prune === true, target };
  if (/^[A-Za-z][\w-]*\/[A-Za-z][\w-]*$/.test(prune)) return { prune, target };
  if (target === undefined) return { prune: true, target: prune };
  throw new Failure(`--prune takes an application and a deployment of it, such as default/Old, got ${JSON.stringify(prune)}.`, EXIT.usage);
}

function requireFrozen({ files, changes }: BuildPlan): void {
  const lock = files.find(({ path }) => path === LOCK_FILE)!;
  if (lock.before === lock.after) return;
  const { added, pruned } = changes;
  const what = [...added.map((name) => `${name} is new`), ...pruned.map((name) => `${name} is deleted`)].join(", ");
  throw new Failure(`${LOCK_FILE} would change${what === "" ? "" : `: ${what}`}. Run the build without --frozen, and commit the file.`);
}

function summarise({ manifest }: Compiled, { files, changes }: BuildPlan): string {
  const count = (number: number, noun: string) => `${number} ${noun}${number === 1 ? "" : "s"}`;
  const { added, retired, pruned, classes } = changes;
  const lines = [
    `Built ${count(manifest.applications.length, "application")} with ${count(deploymentCount(manifest), "deployment")}, version ${manifest.version}.`,
    ...files.map(({ path, before, after }) => `  ${path} ${before === undefined ? "written" : before === after ? "unchanged" : "updated"}`),
    ...added.map(
      (name) => `  ${name} is new, and begins empty${retired.length > 0 ? ": nothing moves to it from a class that is gone" : ""}.`,
    ),
    ...retired.map((name) => {
      const how = classes[name]?.keyed === true ? `--prune ${deploymentOf(name)}` : "--prune";
      return `  ${name} is gone from the applications. Its class and data are kept; ${how} deletes them.`;
    }),
    ...pruned.map((name) => `  ${name} is deleted, with its data, by the next deploy.`),
  ];
  return `${lines.join("\n")}\n`;
}

function deploymentCount({ applications }: Manifest): number {
  return applications.reduce((sum, { deployments }) => sum + Object.keys(deployments).length, 0);
}

// As they stand in a .gitignore.
const IGNORED = [".edge-serve/", ".wrangler/", GENERATED_FILE];

/** What is generated and git would commit; nothing where there is no git. */
function seenByGit({ root }: Project): string[] {
  const paths = [ENTRY, REDIRECT_FILE, GENERATED_FILE];
  const { status, stdout } = spawnSync("git", ["check-ignore", ...paths], { cwd: root, encoding: "utf8" });
  // 128: not in a repository; null: there is no git.
  if (status === 0 || status === 1) return paths.filter((path) => !stdout.split("\n").includes(path));
  return [];
}

/** What changes in a file, as lines: the changed stretch with `-` and `+`, and up to two lines around it. */
function diff(path: string, before: string | undefined, after: string): string {
  const [old, fresh] = [before === undefined ? [] : before.split("\n"), after.split("\n")];
  let start = 0;
  while (start < old.length && start < fresh.length && old[start] === fresh[start]) start++;
  let end = 0;
  while (end < old.length - start && end < fresh.length - start && old.at(-1 - end) === fresh.at(-1 - end)) end++;
  const context = (rows: string[]) => rows.map((row) => `  ${row}`);
  return [
    `--- ${before === undefined ? "(new file)" : path}`,
    `+++ ${path}`,
    ...context(old.slice(Math.max(0, start - 2), start)),
    ...old.slice(start, old.length - end).map((row) => `- ${row}`),
    ...fresh.slice(start, fresh.length - end).map((row) => `+ ${row}`),
    ...context(old.slice(old.length - end, old.length - end + 2)),
  ].join("\n");
}
