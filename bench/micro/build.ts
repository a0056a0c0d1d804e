/**
 * Bundles a Worker as `wrangler deploy` would, and writes a config for workerd on its own: no development proxy between.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { COMPATIBILITY_DATE, FLAGS, workerdConfig } from "../workerd-config.ts";

const CLASSES = [
  "noop__Noop",
  "calls__Caller",
  "calls__Echo",
  "composed__Ingress",
  "composed__Hello",
  "composed__World",
  "stream__Reader",
  "stream__Items",
];

const CONTROL_PLANE = ["EdgeServeController", "EdgeServeConfig"];

/** Builds `apps/<name>.ts` in a folder. @returns The path of workerd's config. */
export function build(name: string, folder: string): string {
  const config = join(folder, `${name}.json`);
  const outdir = join(folder, name);
  const classes = name === "edge-serve" ? [...CLASSES, ...CONTROL_PLANE] : CLASSES;
  writeFileSync(
    config,
    JSON.stringify({
      name: "bench",
      main: fileURLToPath(new URL(`apps/${name}.ts`, import.meta.url)),
      compatibility_date: COMPATIBILITY_DATE,
      compatibility_flags: FLAGS,
      exports: Object.fromEntries(classes.map((className) => [className, { type: "durable-object", storage: "sqlite" }])),
    }),
  );
  const wrangler = fileURLToPath(new URL("../../node_modules/.bin/wrangler", import.meta.url));
  execFileSync(wrangler, ["deploy", "--dry-run", "--outdir", outdir, "-c", config], {
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, WRANGLER_SEND_METRICS: "false", CLOUDFLARE_CF_FETCH_ENABLED: "false" },
  });
  const capnp = join(outdir, "config.capnp");
  const storage = join(outdir, "storage");
  mkdirSync(storage);
  writeFileSync(capnp, workerdConfig({ script: `${name}.js`, classes, storage }));
  return capnp;
}
