#!/usr/bin/env node
/**
 * The binary. It asks for the Node that the rest needs before it loads the rest.
 */
import module from "node:module";
import type { Io } from "./command.ts";
import { isAtLeast } from "./is-at-least.ts";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;
// `init` runs on what the machine has: the project that it writes brings its own Node.
const [NEEDED, NEEDED_BY_INIT] = ["22.12.0", "20.12.0"] as const;

// Loading wrangler is most of what a command computes; kept as compiled, it takes about a sixth less. Node 20 cannot.
module.enableCompileCache?.();

const argv = process.argv.slice(2);
const interrupted = new AbortController();
const io: Io = {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  cwd: process.cwd(),
  env: process.env,
  signal: interrupted.signal,
  // `hasColors` heeds NO_COLOR and FORCE_COLOR.
  ...(process.stderr.isTTY ? { terminal: { hasColors: process.stderr.hasColors() } } : {}),
};

async function main(): Promise<number> {
  if (isAtLeast(process.versions.node, NEEDED)) {
    const { runCli } = await import("./program.ts");
    return runCli(argv, io);
  }
  if (argv[0] === "init" && isAtLeast(process.versions.node, NEEDED_BY_INIT)) {
    const [{ runCli }, { init }] = await Promise.all([import("./program.ts"), import("./commands/init.ts")]);
    return runCli(argv, io, [init]);
  }
  io.err(
    `edge-serve needs Node ${NEEDED} or later, and this is Node ${process.versions.node}.\n` +
      `Install a newer one, or add it to your project with "npm install --save-dev node@24" and run edge-serve from an npm script.\n` +
      `A project written by "edge-serve init", which needs Node ${NEEDED_BY_INIT}, has both.\n`,
  );
  return 2;
}

for (const signal of SIGNALS) process.on(signal, () => (interrupted.signal.aborted ? process.exit(130) : interrupted.abort()));
// wrangler and miniflare exit the process on a signal. Here the command ends by itself, and cleans up.
process.on("newListener", (event: string, listener: () => void) => {
  if (SIGNALS.some((signal) => signal === event)) queueMicrotask(() => process.off(event, listener));
});
const exitCode = await main();
// wrangler leaves handles open that would keep a finished command from ending.
await Promise.all([process.stdout, process.stderr].map((stream) => new Promise((resolve) => stream.write("", resolve))));
process.exit(exitCode);
