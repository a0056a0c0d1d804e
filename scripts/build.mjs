// Compiles src/ and durable-objects/ to dist/. Two projects, because workerd's and Node's globals are different types.
import { execFileSync } from "node:child_process";
import { chmodSync, rmSync } from "node:fs";

rmSync("dist", { recursive: true, force: true });
for (const project of ["tsconfig.build.json", "tsconfig.build.node.json"]) {
  execFileSync("node_modules/.bin/tsc", ["-p", project], { stdio: "inherit" });
}
chmodSync("dist/src/cli/main.js", 0o755);
