import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { DEFAULTS } from "../../compile/wrangler-config.ts";
import type { Command } from "../command.ts";
import { EXIT, Failure } from "../failure.ts";
import { OWN_ROOT, ownVersion } from "../project/own-package.ts";
import { workerName } from "../project/project.ts";

/** Writes a new project. */
export const init: Command = {
  name: "init",
  summary: "Scaffold a project: an application of three deployments, and its test.",
  args: [{ name: "[directory]", summary: "an empty or new directory (default: the current one)" }],
  options: [{ flags: "--edge-serve <spec>", summary: "where the project gets edge-serve from: a version, a tarball, a directory" }],
  examples: ["edge-serve init hello", "edge-serve init hello --edge-serve file:../edge-serve-0.1.0.tgz"],
  run: async ({ args: [name = "."], options }, io) => {
    const directory = resolve(io.cwd, name);
    if (existsSync(directory) && readdirSync(directory).some((entry) => entry !== ".git")) {
      throw new Failure(`${directory} is not empty. init writes a new project, so name a directory that is new or empty.`);
    }
    const given = options["edgeServe"];
    const spec = typeof given === "string" ? given : installedSpec();
    for (const [path, text] of templateFiles({ name: workerName(directory), spec })) {
      mkdirSync(dirname(join(directory, path)), { recursive: true });
      writeFileSync(join(directory, path), text);
    }
    const shown = relative(io.cwd, directory);
    io.out(`Wrote a project to ${directory}. ${shown === "" ? "" : `Go there with cd ${shown}, then:\n`}`);
    io.out("  npm start   serves it at http://localhost:8787/ and reloads on change\n  npm test    runs its tests\n");
    io.out("Both install what is missing first.\n");
    return EXIT.ok;
  },
};

const TEMPLATES = join(OWN_ROOT, "templates", "init");

// npm leaves a .gitignore out of a package, and takes a package.json inside one for another package's.
const RENAMED: Readonly<Record<string, string>> = { _gitignore: ".gitignore", "_package.json": "package.json" };

function templateFiles(values: { name: string; spec: string }): [string, string][] {
  return readdirSync(TEMPLATES, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => {
      const file = join(entry.parentPath, entry.name);
      const path = relative(TEMPLATES, file);
      const text = readFileSync(file, "utf8")
        .replaceAll("{{name}}", values.name)
        .replaceAll("{{edge-serve}}", values.spec)
        .replaceAll("{{compatibility-date}}", DEFAULTS.compatibilityDate);
      return [RENAMED[path] ?? path, text];
    });
}

/** How this copy was installed, if that was from a file; else its version. */
function installedSpec(): string {
  const lock = join(OWN_ROOT, "..", ".package-lock.json");
  if (!existsSync(lock)) return `^${ownVersion()}`;
  const { packages = {} } = JSON.parse(readFileSync(lock, "utf8")) as { packages?: Record<string, { resolved?: string; link?: boolean }> };
  const { resolved, link = false } = packages["node_modules/edge-serve"] ?? {};
  if (resolved === undefined) return `^${ownVersion()}`;
  if (!resolved.startsWith("file:") && !link) return /^https?:\/\/registry\./.test(resolved) ? `^${ownVersion()}` : resolved;
  // The lock file's paths are relative to the project that edge-serve is installed in.
  const file = resolve(OWN_ROOT, "..", "..", resolved.replace(/^file:/, ""));
  return `file:${file}`;
}
