#!/usr/bin/env node
/**
 * The binary. It asks for the Node that the rest needs before it loads the rest.
 */
const NEEDED = [22, 12] as const;
const SIGNALS = ["SIGINT", "SIGTERM"] as const;
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);

if (major < NEEDED[0] || (major === NEEDED[0] && minor < NEEDED[1])) {
  process.stderr.write(
    `edge-serve needs Node ${NEEDED.join(".")} or later, and this is Node ${process.versions.node}.\n` +
      'Install a newer one, or add it to your project with "npm install --save-dev node@24" and run edge-serve from an npm script.\n',
  );
  process.exitCode = 2;
} else {
  const interrupted = new AbortController();
  for (const signal of SIGNALS) process.on(signal, () => (interrupted.signal.aborted ? process.exit(130) : interrupted.abort()));
  // wrangler and miniflare exit the process on a signal. Here the command ends by itself, and cleans up.
  process.on("newListener", (event: string, listener: () => void) => {
    if (SIGNALS.some((signal) => signal === event)) queueMicrotask(() => process.off(event, listener));
  });
  const { runCli } = await import("./program.ts");
  const exitCode = await runCli(process.argv.slice(2), {
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
    cwd: process.cwd(),
    env: process.env,
    signal: interrupted.signal,
  });
  // wrangler leaves handles open that would keep a finished command from ending.
  await Promise.all([process.stdout, process.stderr].map((stream) => new Promise((resolve) => stream.write("", resolve))));
  process.exit(exitCode);
}
