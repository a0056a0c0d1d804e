// Compiles src/ and durable-objects/ to dist/. Two projects, because workerd's and Node's globals are different types.
import { transform } from "esbuild";
import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

// Beside dist/ and swapped in at the end, so that whatever uses dist/ meanwhile finds it whole.
const output = "dist.next";
// Declarations without comments, for modules that nobody writes an import of.
const bare = "dist.bare";
for (const directory of [output, bare]) rmSync(directory, { recursive: true, force: true });
for (const project of ["tsconfig.json", "tsconfig.node.json"]) {
  compile(project, "--outDir", output);
  compile(project, "--outDir", bare, "--emitDeclarationOnly", "--removeComments");
}

// Comments are for those who read src/; in the package they would be a quarter of its size. The declarations keep theirs, where an editor shows them.
const { exports } = JSON.parse(readFileSync("package.json", "utf8"));
const documented = reachable([".", "./testing", "./client"]);
const needed = reachable(["./worker"]);
await Promise.all(
  readdirSync(output, { recursive: true }).map(async (name) => {
    const file = join(output, name);
    if (name.endsWith(".js")) {
      const { code } = await transform(readFileSync(file, "utf8"), { target: "esnext", legalComments: "none" });
      writeFileSync(file, code);
    }
    if (!name.endsWith(".d.ts") || documented.has(file)) return;
    if (needed.has(file)) copyFileSync(join(bare, name), file);
    else rmSync(file);
  }),
);

chmodSync(`${output}/src/cli/main.js`, 0o755);
for (const directory of [bare, "dist"]) rmSync(directory, { recursive: true, force: true });
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
  const visit = (file) => {
    if (found.has(file) || !existsSync(file)) return;
    found.add(file);
    for (const [, specifier] of readFileSync(file, "utf8").matchAll(/\b(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)) {
      visit(join(output, resolve("/", dirname(file).slice(output.length), specifier.replace(/\.[jt]s$/, ".d.ts"))));
    }
  };
  for (const entry of entries) visit(join(output, exports[entry].types.replace("./dist/", "")));
  return found;
}
