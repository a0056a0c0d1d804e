/**
 * The process that a server under test runs in: compiles, starts workerd, reports to the test over IPC.
 *
 * A process of its own, leading its own group, so that a test can kill all of it at once as a crash would.
 *
 * Invariants:
 *   P1. Does not outlive the test's process: when the channel closes, the whole group ends.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { reportOf } from "../cli/failure.ts";
import { compileServing } from "../cli/project/compile-serving.ts";
import { readTarget } from "../cli/project/target.ts";
import { envOf } from "../cli/project/user-config.ts";
import { type Runtime, startRuntime } from "../cli/runtime/worker-runtime.ts";
import { type Relay, startRelay } from "./tcp-proxy.ts";
import type { Built, ServerMessage, StartMessage, TestMessage } from "./messages.ts";

let runtime: Runtime | undefined;
let relay: Relay | undefined;
let started: StartMessage | undefined;
let scratch: string[] = [];

function send(message: ServerMessage): Promise<void> {
  return new Promise((resolve) => (process.send === undefined ? resolve() : process.send(message, () => resolve())));
}

async function start(message: StartMessage): Promise<void> {
  started = message;
  try {
    const built = message.built ?? (await build(message));
    started = { ...message, built };
    runtime = await startRuntime({
      root: built.root,
      config: built.config,
      env: built.env,
      host: "127.0.0.1",
      persist: message.storage,
      isDirect: true,
      vars: message.vars,
      secrets: message.secrets,
      tellsPositions: true,
      onLog: (line) => void send({ type: "log", line }),
      onBundle: ({ directories }) => {
        scratch.push(...directories);
        void send({ type: "scratch", directories });
      },
    });
    const serving = runtime;
    relay = await startRelay(message.port, () => serving.directUrl);
    await send({ type: "ready", url: relay.url.href, built });
  } catch (error) {
    await send({ type: "failed", message: reportOf(error).text });
    process.exit(1);
  }
}

// The process stays: the next server of the test begins without loading wrangler again, which is most of what a start costs.
async function stop(): Promise<void> {
  relay?.close();
  await runtime?.dispose();
  runtime = relay = started = undefined;
  scratch = [];
  await send({ type: "stopped" });
}

async function build({ target, cwd, args, env: given, directory }: StartMessage): Promise<Built> {
  const read = readTarget(target, cwd, { args });
  const env = envOf(given, process.env);
  const { root, config, warnings } = await compileServing(read, { cwd, env, directory, forTests: true });
  return { root, config, env, warnings: read.warnings === "" ? warnings : [read.warnings, ...warnings] };
}

process.on("message", (message: TestMessage) => {
  if (message.type === "start") void start(message);
  else if (message.type === "flush") void send({ type: "flushed" });
  else void stop().catch(() => process.exit(1));
});

process.on("disconnect", () => {
  if (started !== undefined) {
    const generated = join(started.built?.root ?? started.cwd, ".edge-serve", started.directory);
    for (const path of [started.storage, generated, ...scratch]) rmSync(path, { recursive: true, force: true });
  }
  // workerd is in this group, and would stay.
  process.kill(-process.pid, "SIGKILL");
});
