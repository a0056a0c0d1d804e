import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Manifest } from "../../protocol/manifest.ts";
import type { Command, Io } from "../command.ts";
import { EXIT, Failure } from "../failure.ts";
import { OperatorClient } from "../operator/client.ts";
import { URL_OPTION, urlOf } from "../operator/connect.ts";
import { TOKEN_VARIABLE, tokenOf } from "../operator/token.ts";
import { timeoutOf, WAIT_OPTIONS, waitForRunning } from "../operator/wait.ts";
import { BUILD_OPTIONS, buildProject } from "./build.ts";

/** Builds, runs `wrangler deploy`, then waits until the new version runs. */
export const deploy: Command = {
  name: "deploy",
  summary: "Build, upload with wrangler deploy, and wait until every application is RUNNING.",
  args: [{ name: "[target]", summary: "a config file, or a module and its export (default: serve.yaml)" }],
  options: [
    ...BUILD_OPTIONS,
    { flags: "--dry-run", summary: "build and bundle, but upload nothing" },
    { ...URL_OPTION, summary: "where the Worker answers (default: EDGE_SERVE_URL, else what wrangler deploy prints)" },
    ...WAIT_OPTIONS,
  ],
  examples: ["edge-serve deploy", "edge-serve deploy src/app.ts:app --env staging", "edge-serve deploy --url https://api.example.com"],
  run: async ({ args, options }, io) => {
    const { dryRun, wait, ...rest } = options;
    const timeoutMs = timeoutOf(options["timeout"]);
    // What is wrong with these is said before anything is uploaded.
    const [url, token] = [urlOf(options, io), tokenOf(io)];
    const { root, env, manifest } = await buildProject({ args, options: rest }, io);
    const { exitCode, said } = await wranglerDeploy(root, { env, dryRun: dryRun === true }, io);
    if (exitCode !== 0) return EXIT.failed;
    if (dryRun !== true && wait !== false) await waitForVersion(manifest, { url: url ?? printedUrl(said), token, timeoutMs }, io);
    return EXIT.ok;
  },
};

interface Waiting {
  readonly url: URL | undefined;
  readonly token: string | undefined;
  readonly timeoutMs: number;
}

async function waitForVersion({ applications, version }: Manifest, { url, token, timeoutMs }: Waiting, io: Io): Promise<void> {
  const missing = token === undefined ? NO_TOKEN : url === undefined ? NO_URL : undefined;
  if (missing !== undefined) io.err(`Uploaded; not waiting: ${missing}\n`);
  if (token === undefined || url === undefined) return;
  const apps = applications.map(({ name }) => name);
  io.err(`Waiting for version ${version} at ${url.origin}.\n`);
  try {
    await waitForRunning(new OperatorClient(url, token, io.signal), { apps, version, timeoutMs }, io);
  } catch (error) {
    if (error instanceof Failure) throw new Failure(`Version ${version} is uploaded. ${error.message}`, error.exitCode);
    throw error;
  }
  io.out(`Version ${version} is RUNNING: ${apps.join(", ")}.\n`);
}

const NO_TOKEN =
  `${TOKEN_VARIABLE} is not set, so the deploy cannot be verified. Give the Worker a token with ` +
  `"wrangler secret put ${TOKEN_VARIABLE}", and set ${TOKEN_VARIABLE} to the same.`;
const NO_URL = "wrangler printed no workers.dev address. Pass --url with one at which the Worker answers.";

/** The first address that `wrangler deploy` says the Worker has. */
function printedUrl(said: string): URL | undefined {
  const [address] = /https:\/\/[\w-]+(?:\.[\w-]+)+\.workers\.dev\b/.exec(said) ?? [];
  return address === undefined ? undefined : new URL(address);
}

interface Deploying {
  readonly env: string | undefined;
  readonly dryRun: boolean;
}

function wranglerDeploy(root: string, { env, dryRun }: Deploying, io: Io): Promise<{ exitCode: number; said: string }> {
  // Said in any case: where none is chosen, CLOUDFLARE_ENV does not choose one.
  const args = ["deploy", "--env", env ?? "", ...(dryRun ? ["--dry-run"] : [])];
  let said = "";
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [wranglerBin(), ...args], { cwd: root, env: { ...io.env }, stdio: ["inherit", "pipe", "pipe"] });
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      io.out(text);
    });
    child.stderr.setEncoding("utf8").on("data", io.err);
    child.on("error", reject);
    child.on("close", (code) => resolve({ exitCode: code ?? 1, said }));
  });
}

function wranglerBin(): string {
  const root = dirname(createRequire(import.meta.url).resolve("wrangler/package.json"));
  const bin = join(root, "bin", "wrangler.js");
  if (!existsSync(bin)) throw new Failure(`wrangler has no ${bin}. Install wrangler 4.156 or later: npm install --save-dev wrangler.`);
  return bin;
}
