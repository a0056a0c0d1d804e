// Runs test/e2e/prometheus.test.ts with a real Prometheus: the one on the path, else Debian's package, unpacked into node_modules/.cache.
//
// Runs as `npm run test:prometheus`, with further arguments for vitest. Where there is no Prometheus yet it needs Debian's or Ubuntu's
// apt-get and dpkg, their mirror, and no rights: nothing is installed.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";

const PROGRAMS = ["prometheus", "promtool"];
const CACHE = join(import.meta.dirname, "../node_modules/.cache/prometheus");

const hasAll = (folders) => PROGRAMS.every((name) => folders.some((folder) => existsSync(join(folder, name))));

function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { stdio: "inherit", ...options });
  if (error !== undefined) throw new Error(`${command} cannot be run: ${error.message}`);
  return status;
}

function download() {
  mkdirSync(CACHE, { recursive: true });
  const get = () => run("apt-get", ["download", "prometheus"], { cwd: CACHE });
  // Lists of packages that are missing or old name no package, or one that the mirror has no more.
  if (get() !== 0 && (run("apt-get", ["update"]) !== 0 || get() !== 0)) throw new Error("Debian's package prometheus could not be had.");
  const file = readdirSync(CACHE).find((name) => name.endsWith(".deb"));
  if (run("dpkg", ["-x", file, "."], { cwd: CACHE }) !== 0) throw new Error(`${file} could not be unpacked.`);
}

const unpacked = [join(CACHE, "usr/bin")];
const given = (process.env.EDGE_SERVE_PROMETHEUS ?? process.env.PATH).split(delimiter);
if (!hasAll(given) && !hasAll(unpacked)) download();
const folders = hasAll(given) ? given : unpacked;

const args = ["vitest", "run", "--project", "e2e", "test/e2e/prometheus.test.ts", ...process.argv.slice(2)];
process.exitCode = run("npx", args, { env: { ...process.env, EDGE_SERVE_PROMETHEUS: folders.join(delimiter) } }) ?? 1;
