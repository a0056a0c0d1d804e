/**
 * Where this copy of edge-serve is.
 */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Failure } from "../failure.ts";

const here = fileURLToPath(import.meta.url);
const isSource = here.endsWith(".ts");

/** The directory of this package's package.json. */
export const OWN_ROOT: string = rootAbove(dirname(here));

/** This package's version. */
export function ownVersion(): string {
  return ownPackage().version;
}

/** The oldest wrangler that this package works with. */
export function neededWrangler(): string {
  return ownPackage().peerDependencies.wrangler.replace("^", "");
}

function ownPackage(): { readonly version: string; readonly peerDependencies: { readonly wrangler: string } } {
  return createRequire(import.meta.url)(join(OWN_ROOT, "package.json"));
}

function rootAbove(start: string): string {
  let directory = start;
  while (!existsSync(join(directory, "package.json"))) directory = dirname(directory);
  return directory;
}

/**
 * What imports of edge-serve in an application mean, where they do not simply mean the package installed beside it.
 *
 * Run from its sources (this repository's own tests), edge-serve bundles itself from them, so that nothing has to be
 * built first. A project without edge-serve uses this copy, which is what `npx edge-serve run` needs.
 */
export function ownAliases(root: string): Record<string, string> {
  if (!isSource && isInstalled(root)) return {};
  const src = dirname(dirname(dirname(here)));
  const extension = isSource ? ".ts" : ".js";
  const entry = (name: string) => join(src, `${name}${extension}`);
  return { "edge-serve": entry("index"), "edge-serve/worker": entry("worker"), "edge-serve/client": entry("client") };
}

/** Fails unless what is built in `root` will find edge-serve there. */
export function requireInstalled(root: string): void {
  if (isSource || isInstalled(root)) return;
  throw new Failure(
    `edge-serve is not installed in ${root}, and the module that build writes imports it. Run npm install edge-serve there.`,
  );
}

function isInstalled(root: string): boolean {
  try {
    createRequire(join(root, "package.json")).resolve("edge-serve/worker");
    return true;
  } catch {
    // Not there, or too old to have the entry: either way it has to be installed.
    return false;
  }
}
