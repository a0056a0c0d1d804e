/**
 * Bundles a Worker as `wrangler deploy` would, and writes a config for workerd on its own: no development proxy between.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
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

/** Bundles a Worker, and writes a config that serves it alone. */
export function bundle({ variables = {}, ...input }: BundleInput): Bundle {
  const script = bundleScript(input);
  const outdir = dirname(join(input.folder, script));
  const capnp = join(outdir, "config.capnp");
  const storage = join(outdir, "storage");
  mkdirSync(storage);
  writeFileSync(capnp, workerdConfig({ script: basename(script), classes: input.classes, storage, variables }));
  return { config: capnp, storage };
}

/** Bundles a Worker. @returns The path of its module, in `folder`. */
export function bundleScript({ name, main, classes, folder }: Omit<BundleInput, "variables">): string {
  const config = join(folder, `${name}.json`);
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
  execFileSync(wrangler, ["deploy", "--dry-run", "--outdir", join(folder, name), "-c", config], {
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, WRANGLER_SEND_METRICS: "false", CLOUDFLARE_CF_FETCH_ENABLED: "false" },
  });
  // The bundle is named for its entry module.
  return join(name, `${basename(fileURLToPath(main), ".ts")}.js`);
}
