/**
 * Bundles a Worker as `wrangler deploy` would, and writes a config for workerd on its own: no development proxy between.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { COMPATIBILITY_DATE, FLAGS, workerdConfig } from "./workerd-config.ts";

/** What is bundled. */
export interface BundleInput {
  /** Of the script and of the config: files in `folder`. */
  readonly name: string;
  /** The entry module. */
  readonly main: URL;
  /** Its Durable Object classes. */
  readonly classes: readonly string[];
  /** An empty folder for all that is written. */
  readonly folder: string;
  readonly variables?: Readonly<Record<string, unknown>>;
}

/** A Worker that workerd can serve. */
export interface Bundle {
  /** The path of workerd's config. */
  readonly config: string;
  /** The folder of the objects' storage. */
  readonly storage: string;
}

/** Bundles a Worker. */
export function bundle({ name, main, classes, folder, variables = {} }: BundleInput): Bundle {
  const config = join(folder, `${name}.json`);
  const outdir = join(folder, name);
  writeFileSync(
    config,
    JSON.stringify({
      name: "bench",
      main: fileURLToPath(main),
      compatibility_date: COMPATIBILITY_DATE,
      compatibility_flags: FLAGS,
      exports: Object.fromEntries(classes.map((className) => [className, { type: "durable-object", storage: "sqlite" }])),
    }),
  );
  const wrangler = fileURLToPath(new URL("../node_modules/.bin/wrangler", import.meta.url));
  execFileSync(wrangler, ["deploy", "--dry-run", "--outdir", outdir, "-c", config], {
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, WRANGLER_SEND_METRICS: "false", CLOUDFLARE_CF_FETCH_ENABLED: "false" },
  });
  const capnp = join(outdir, "config.capnp");
  const storage = join(outdir, "storage");
  mkdirSync(storage);
  // The bundle is named for its entry module.
  const script = `${fileURLToPath(main).split("/").at(-1)!.replace(/\.ts$/, "")}.js`;
  writeFileSync(capnp, workerdConfig({ script, classes, storage, variables }));
  return { config: capnp, storage };
}
