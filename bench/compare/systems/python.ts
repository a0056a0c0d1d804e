/** Python packages in a virtual environment of their own. */
import { execFile } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const INSTALL_TIMEOUT_MS = 15 * 60_000;

/** Where the compared applications in Python are. */
export const APPS = fileURLToPath(new URL("../apps", import.meta.url));

/** A folder with an interpreter and what a file of requirements names. Installed once, and again when the file changes. */
export async function virtualEnvironment(folder: string, requirements: string): Promise<string> {
  const file = fileURLToPath(new URL(`../${requirements}`, import.meta.url));
  const marker = join(folder, "installed.txt");
  const wanted = readFileSync(file, "utf8");
  if (existsSync(marker) && readFileSync(marker, "utf8") === wanted) return folder;
  rmSync(folder, { recursive: true, force: true });
  console.error(`Installing ${requirements} into ${folder}: some minutes, once.`);
  const python = await interpreter();
  // pip of the outer interpreter installs into it, so that it works where venv cannot bring a pip (Debian without python3-venv).
  await run(python, ["-m", "venv", "--without-pip", folder]);
  const pip = ["-m", "pip", "--python", join(folder, "bin/python"), "install", "--quiet", "--disable-pip-version-check", "-r", file];
  await run(python, pip, { timeout: INSTALL_TIMEOUT_MS, maxBuffer: 1 << 24 });
  writeFileSync(marker, wanted);
  return folder;
}

/** The versions of some packages of an environment, and of its interpreter. */
export async function versionsIn(folder: string, packages: readonly string[]): Promise<Record<string, string>> {
  const script = `
import json, platform, sys
from importlib.metadata import version
print(json.dumps({"python": platform.python_version(), **{name: version(name) for name in sys.argv[1:]}}))`;
  const { stdout } = await run(join(folder, "bin/python"), ["-c", script, ...packages]);
  return JSON.parse(stdout) as Record<string, string>;
}

async function interpreter(): Promise<string> {
  for (const name of ["python3.12", "python3.11", "python3"]) {
    try {
      await run(name, ["-c", "import pip, sys; sys.exit(0 if (3, 11) <= sys.version_info < (3, 14) else 1)"]);
      return name;
    } catch {
      // Not there, without pip, or of another version.
    }
  }
  throw new Error(
    "There is no python3 of version 3.11 to 3.13 with pip. Install one to compare with the systems that are written in Python.",
  );
}
