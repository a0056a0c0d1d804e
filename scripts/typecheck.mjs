// Type-checks everything: what runs in workerd and what runs in Node see different globals, hence four projects.
import { execFileSync } from "node:child_process";

for (const project of ["tsconfig.json", "tsconfig.node.json", "tsconfig.test.json", "tsconfig.test.node.json"]) {
  execFileSync("node_modules/.bin/tsc", ["-p", project], { stdio: "inherit" });
}
