import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Command } from "../command.ts";
import { EXIT, Failure } from "../failure.ts";
import type { Io } from "../io.ts";
import { buildProject } from "./build.ts";

/** Builds, then runs `wrangler deploy`. */
export const deploy: Command = {
  name: "deploy",
  summary: "Build, then upload with wrangler deploy.",
  args: [{ name: "[target]", summary: "a config file, or a module and its export (default: serve.yaml)" }],
  options: [
    { flags: "--prune", summary: "delete the classes of deployments that are gone, and with them their objects' data" },
    { flags: "--dry-run", summary: "build and bundle, but upload nothing" },
  ],
  examples: ["edge-serve deploy", "edge-serve deploy src/app.ts:app --dry-run"],
  run: async ({ args, options }, io) => {
    const { dryRun, ...rest } = options;
    const root = await buildProject({ args, options: rest }, io);
    const code = await wranglerDeploy(root, dryRun === true, io);
    return code === 0 ? EXIT.ok : EXIT.failed;
  },
};

function wranglerDeploy(root: string, dryRun: boolean, io: Io): Promise<number> {
  const args = ["deploy", ...(dryRun ? ["--dry-run"] : [])];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [wranglerBin(), ...args], { cwd: root, env: { ...io.env }, stdio: ["inherit", "pipe", "pipe"] });
    child.stdout.setEncoding("utf8").on("data", io.out);
    child.stderr.setEncoding("utf8").on("data", io.err);
    child.on("error", reject);
    child.on("close", (code) => resolve(code ?? 1));
  });
}

function wranglerBin(): string {
  const root = dirname(createRequire(import.meta.url).resolve("wrangler/package.json"));
  const bin = join(root, "bin", "wrangler.js");
  if (!existsSync(bin)) throw new Failure(`wrangler has no ${bin}. Install wrangler 4.156 or later: npm install --save-dev wrangler.`);
  return bin;
}
