// Runs before `npm start` and `npm test`: installs what is missing and compiles what is stale.
//
// Runs on whatever Node the machine has, so nothing here may need a package or a new API. The tools then run on
// the Node that package.json pins, which npm puts first on the path.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

const run = (command, args) => {
  try {
    execFileSync(command, args, { stdio: "inherit", shell: process.platform === "win32" });
  } catch {
    // The command has said what is wrong.
    process.exit(1);
  }
};

const isNewer = (file, than) => statSync(file).mtimeMs > statSync(than).mtimeMs;

const filesIn = (folder) =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? filesIn(join(folder, entry.name)) : [join(folder, entry.name)],
  );

const installed = "node_modules/.package-lock.json";
if (!existsSync(installed) || isNewer("package-lock.json", installed)) {
  console.error("Installing dependencies ...");
  run("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
}

const built = "dist/src/index.js";
const sources = [...filesIn("src"), ...filesIn("durable-objects"), "package.json"];
if (!existsSync(built) || sources.some((file) => isNewer(file, built))) {
  console.error("Compiling edge-serve ...");
  run("npm", ["run", "--silent", "build"]);
}
