// Packs edge-serve and uses it as a stranger would: an empty directory, npm, and nothing of this repository.
//
// Runs as `npm run check:package`, in CI after the tests. Needs npm's registry and about two minutes. It takes the
// machine's own Node for the stranger's commands: the project that `edge-serve init` writes has to bring its own, and
// the project of docs/starter.md gets one as README.md says.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, sep } from "node:path";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { blocksOf } from "../test/docs/blocks.ts";

const STEP_TIMEOUT_MS = 300_000;
const MAX_PACKED_BYTES = 410 * 1024;
// What a package may hold, and what it must.
const ALLOWED = ["dist/", "grafana/", "schema/", "templates/", "package.json", "README.md", "LICENSE", "CHANGELOG.md"];
const FORBIDDEN = /(^|\/)(test|tests|bench|node_modules|\.[^/]+)\/|\.(test|bench)\.|\.tsbuildinfo$/;
const UNWRITTEN_BY_BUILD = /^templates\/init\/test\//;

const temporary = mkdtempSync(join(tmpdir(), "edge-serve-package-"));
const groups = new Set();

// npm puts this repository's own binaries, its Node among them, on the path, and its settings into the environment.
const strangersEnv = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) =>
      !/^(npm_(package|lifecycle|config_(local|global)_prefix|config_prefix|command|execpath|node_execpath)|INIT_CWD$|NODE$)/.test(name),
  ),
);
strangersEnv.PATH = process.env.PATH.split(delimiter)
  .filter((entry) => !entry.endsWith(join("node_modules", ".bin")) && !entry.includes(`${sep}node-gyp-bin`))
  .join(delimiter);

function fail(problem) {
  throw new Error(problem);
}

/** Starts a command in a process group of its own. `said()` is all that it has printed. */
function start(command, args, { cwd, env = strangersEnv }) {
  const child = spawn(command, args, { cwd, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  groups.add(child.pid);
  let said = "";
  const listeners = new Set();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => {
      said += text;
      for (const listener of listeners) listener();
    });
  }
  const ended = new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve(signal ?? code));
  });
  const name = [command, ...args].join(" ");
  const within = (promise, what) => {
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(
        () => reject(new Error(`${name}: ${what} took more than ${STEP_TIMEOUT_MS / 1000} s. It said:\n${said}`)),
        STEP_TIMEOUT_MS,
      );
    });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
  };
  return {
    pid: child.pid,
    said: () => said,
    ended: () => within(ended, "ending"),
    /** Resolves with what the pattern matches in the output. */
    says: (pattern) =>
      within(
        new Promise((resolve, reject) => {
          const look = () => pattern.exec(said) !== null && resolve(pattern.exec(said));
          listeners.add(look);
          look();
          ended.then((code) => reject(new Error(`${name} ended with ${code} before it said ${pattern}. It said:\n${said}`)), reject);
        }),
        `saying ${pattern}`,
      ),
  };
}

async function run(command, args, options) {
  const running = start(command, args, options);
  const code = await running.ended();
  groups.delete(running.pid);
  if (code !== 0) fail(`${[command, ...args].join(" ")} ended with ${code}. It said:\n${running.said()}`);
  return running.said();
}

function killGroups() {
  for (const pid of groups) {
    try {
      process.kill(-pid, "SIGKILL");
    } catch {
      // ESRCH: the group has ended by itself.
    }
  }
}

async function step(name, act) {
  const startedAt = Date.now();
  console.log(`== ${name}`);
  const detail = await act();
  console.log(`   ${detail === undefined ? "" : `${detail}, `}${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
}

async function pack() {
  // prepack compiles first.
  await run("npm", ["pack", "--pack-destination", temporary], { cwd: process.cwd(), env: process.env });
  return join(temporary, readdirSync(temporary).find((name) => name.endsWith(".tgz")) ?? fail("npm pack wrote no .tgz."));
}

/** Every string in a part of package.json that names a file. */
function filesNamed(value) {
  if (typeof value === "string") return value.startsWith("./") ? [value.slice(2)] : [];
  return Object.values(value ?? {}).flatMap(filesNamed);
}

async function checkFiles(tarball) {
  const listing = await run("tar", ["-tzf", tarball], { cwd: temporary });
  const files = listing
    .trim()
    .split("\n")
    .map((path) => path.replace(/^package\//, ""));
  const { bin, exports } = JSON.parse(readFileSync("package.json", "utf8"));
  const strangers = files.filter(
    (file) =>
      !ALLOWED.some((allowed) => file === allowed || file.startsWith(allowed)) || (FORBIDDEN.test(file) && !UNWRITTEN_BY_BUILD.test(file)),
  );
  const missing = [
    ...ALLOWED.filter((wanted) => !files.some((file) => file === wanted || (wanted.endsWith("/") && file.startsWith(wanted)))),
    ...[...filesNamed(bin), ...filesNamed(exports)].filter((file) => !files.includes(file)),
  ];
  const { size } = statSync(tarball);
  if (strangers.length > 0) fail(`The package holds what does not belong there: ${strangers.join(", ")}. See "files" in package.json.`);
  if (missing.length > 0) fail(`The package lacks ${missing.join(", ")}.`);
  if (size > MAX_PACKED_BYTES) fail(`The package is ${size} bytes packed. At most ${MAX_PACKED_BYTES} are expected.`);
  return `${files.length} files, ${Math.round(size / 1024)} kB packed`;
}

async function lint(tarball) {
  const bytes = readFileSync(tarball);
  const packed = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const { messages, pkg } = await publint({ pack: { tarball: packed }, strict: true });
  const lines = messages.map((message) => `${message.type}: ${formatMessage(message, pkg)}`);
  if (lines.length > 0) fail(`publint:\n${lines.join("\n")}`);
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().on("error", reject);
    server.listen(0, "localhost", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

async function checkStart(cwd) {
  const port = await freePort();
  const serving = start("npm", ["start", "--", "--port", String(port)], { cwd });
  const [, url] = await serving.says(/Serving \S+ at (http:\/\/localhost:\d+\/)/);
  const answer = await (await fetch(url)).text();
  if (answer !== "Hello world!") fail(`GET ${url} answered ${JSON.stringify(answer)}, not "Hello world!".`);
  // Ctrl-C reaches every process of the terminal's foreground group.
  process.kill(-serving.pid, "SIGINT");
  await serving.ended();
  const after = await fetch(url).catch(() => undefined);
  if (after !== undefined) fail(`${url} still answers after Ctrl-C.`);
  const left = await run("ps", ["-o", "args=", "-g", String(serving.pid)], { cwd }).catch(() => "");
  if (left.trim() !== "") fail(`After Ctrl-C these processes are left:\n${left}`);
}

/** The project of docs/starter.md as it is in the end, with what it has installed. */
async function makeStarter(cwd, tarball) {
  for (const { says, text } of blocksOf("docs/starter.md")) {
    if (!says.has("file")) continue;
    const file = join(cwd, says.get("file"));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  const { devDependencies } = JSON.parse(readFileSync("package.json", "utf8"));
  const packages = ["@cloudflare/vitest-plugin", "node", "vitest", "wrangler"].map((name) => `${name}@${devDependencies[name]}`);
  await run("npm", ["install", "--save-dev", tarball, ...packages], { cwd });
}

const versionOf = (project, name) => JSON.parse(readFileSync(join(project, "node_modules", name, "package.json"), "utf8")).version;

async function main() {
  let tarball = "";
  await step("npm pack", async () => (tarball = await pack()) && undefined);
  await step("what is in the package", () => checkFiles(tarball));
  await step("publint", () => lint(tarball));

  const home = join(temporary, "stranger");
  const app = join(home, "my-app");
  mkdirSync(home);
  await step("an empty directory: npm init -y, npm install edge-serve", async () => {
    await run("npm", ["init", "-y"], { cwd: home });
    await run("npm", ["install", tarball], { cwd: home });
    return `Node ${(await run("node", ["--version"], { cwd: home })).trim()}, wrangler ${versionOf(home, "wrangler")}`;
  });
  await step("npx edge-serve init my-app", async () => {
    await run("npx", ["edge-serve", "init", "my-app"], { cwd: home });
    const spec = JSON.parse(readFileSync(join(app, "package.json"), "utf8")).devDependencies["edge-serve"];
    if (spec !== `file:${tarball}`) fail(`my-app gets edge-serve from ${JSON.stringify(spec)}, not from the tarball, file:${tarball}.`);
  });
  await step("npm start, GET /, Ctrl-C", async () => {
    await checkStart(app);
    return `wrangler ${versionOf(app, "wrangler")}`;
  });
  await step("npm test", async () => void (await run("npm", ["test"], { cwd: app })));
  await step("npx tsc --noEmit", async () => void (await run("npx", ["tsc", "--noEmit"], { cwd: app })));
  await step("npm run deploy -- --dry-run", async () => void (await run("npm", ["run", "deploy", "--", "--dry-run"], { cwd: app })));
  if (!existsSync(join(app, ".edge-serve", "worker.ts"))) fail("edge-serve deploy wrote no .edge-serve/worker.ts.");

  const starter = join(temporary, "starter");
  await step("docs/starter.md: npm install", () => makeStarter(starter, tarball));
  await step("npm run build, npm test", async () => {
    await run("npm", ["run", "build"], { cwd: starter });
    await run("npm", ["test", "--", "--run"], { cwd: starter });
  });
  await step("npm run build and npm run deploy -- --dry-run, --env staging", async () => {
    await run("npm", ["run", "build", "--", "--env", "staging"], { cwd: starter });
    await run("npm", ["run", "deploy", "--", "--dry-run", "--env", "staging"], { cwd: starter });
  });
}

function cleanUp() {
  killGroups();
  rmSync(temporary, { recursive: true, force: true });
}

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => {
    cleanUp();
    process.exit(130);
  });
}
try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  cleanUp();
}
