// Compiles src/ and durable-objects/ to dist/. Two projects, because workerd's and Node's globals are different types.
import { execFileSync } from "node:child_process";
import { chmodSync, renameSync, rmSync } from "node:fs";

// Beside dist/ and swapped in at the end, so that whatever uses dist/ meanwhile finds it whole.
const output = "dist.next";
rmSync(output, { recursive: true, force: true });
for (const project of ["tsconfig.json", "tsconfig.node.json"]) {
  const args = ["-p", project, "--noEmit", "false", "--outDir", output];
  execFileSync("node_modules/.bin/tsc", args, { stdio: "inherit", shell: process.platform === "win32" });
}
chmodSync(`${output}/src/cli/main.js`, 0o755);
rmSync("dist", { recursive: true, force: true });
renameSync(output, "dist");
