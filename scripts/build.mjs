// Compiles src/ and durable-objects/ to dist/. Two projects, because workerd's and Node's globals are different types.
//
// Comments are for those who read src/: in the package they would be a quarter of its size. Declarations that an editor shows keep
// theirs, and those of modules that nobody imports are left out.
import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

// Beside dist/ and swapped in at the end, so that whatever uses dist/ meanwhile finds it whole.
const output = "dist.next";
const documented = "dist.documented";
for (const directory of [output, documented]) rmSync(directory, { recursive: true, force: true });
for (const project of ["tsconfig.json", "tsconfig.node.json"]) {
  compile(project, "--outDir", output, "--removeComments");
  compile(project, "--outDir", documented, "--emitDeclarationOnly");
}

const { exports } = JSON.parse(readFileSync("package.json", "utf8"));
const shown = reachable([".", "./testing", "./client"]);
// What the generated entry module imports is nobody's to read.
const needed = reachable(["./worker"]);
for (const name of readdirSync(output, { recursive: true })) {
  if (!name.endsWith(".d.ts")) continue;
  if (shown.has(name)) copyFileSync(join(documented, name), join(output, name));
  else if (!needed.has(name)) rmSync(join(output, name));
}

chmodSync(`${output}/src/cli/main.js`, 0o755);
for (const directory of [documented, "dist"]) rmSync(directory, { recursive: true, force: true });
renameSync(output, "dist");

function compile(project, ...options) {
  execFileSync("node_modules/.bin/tsc", ["-p", project, "--noEmit", "false", ...options], {
    stdio: "inherit",
    shell: process.platform === "win32",
  });
}

/** The declarations that these entry points of the package lead to. */
function reachable(entries) {
  const found = new Set();
  const visit = (name) => {
    if (found.has(name) || !existsSync(join(output, name))) return;
    found.add(name);
    for (const [, specifier] of readFileSync(join(output, name), "utf8").matchAll(/\b(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)) {
      visit(resolve("/", dirname(name), specifier.replace(/\.[jt]s$/, ".d.ts")).slice(1));
    }
  };
  for (const entry of entries) visit(exports[entry].types.replace("./dist/", ""));
  return found;
}
