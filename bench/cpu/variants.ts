/**
 * What is compared: Workers that do the same, bundled as `wrangler deploy` does, all of them services of one workerd process,
 * each with its own isolate, storage and socket.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { CLASSES, CONTROL_PLANE } from "../micro/build.ts";
import { bundleScript } from "../workerd-bundle.ts";
import { type ServiceInput, workerdServices } from "../workerd-config.ts";

/** A Worker that is measured, under one name. */
export interface Variant {
  /** Unique in a run. */
  readonly name: string;
  /** Which variants are the same code under another name. */
  readonly side: string;
}

/** The folder of another checkout of this project, by the name that its figures are to have. */
export type Others = Readonly<Record<string, string>>;

const SIDES = { "by hand": "hand-written", alike: "hand-written-alike", "edge-serve": "edge-serve" };
/** What is inline, by the name that its figures have. */
const INLINED = { "inline children": "children", "inline ingress": "all" };
const APPS = new URL("../micro/apps/", import.meta.url);

/** Bundles all sides, each twice. @returns The path of workerd's config, whose sockets have the variants' names. */
export function buildVariants(
  folder: string,
  others: Others,
  isWithCf: boolean,
): { readonly config: string; readonly variants: Variant[] } {
  const mains: [side: string, main: string][] = [
    ...Object.entries(SIDES).map(([side, app]): [string, string] => [side, fileURLToPath(new URL(`${app}.ts`, APPS))]),
    ...Object.entries(INLINED).map(([side, what]): [string, string] => [side, inlined(what, folder)]),
    ...Object.entries(others).map(([side, checkout]): [string, string] => [side, appOf(checkout, folder, side)]),
  ];
  const services: (ServiceInput & Variant)[] = [];
  for (const [side, main] of mains) {
    const classes = side === "by hand" || side === "alike" ? CLASSES : [...CLASSES, ...CONTROL_PLANE];
    const script = bundleScript({ name: side.replaceAll(/\W/g, "-"), main: pathToFileURL(main), classes, folder });
    for (const name of [side, `${side}, again`]) {
      const storage = join(folder, "storage", name.replaceAll(/\W+/g, "-"));
      mkdirSync(storage, { recursive: true });
      services.push({ name, side, script, classes, storage });
    }
  }
  const config = join(folder, "variants.capnp");
  writeFileSync(config, workerdServices(services, isWithCf ? "cf-blob" : undefined));
  return { config, variants: services.map(({ name, side }) => ({ name, side })) };
}

// The same application, with something of it inline.
function inlined(what: string, folder: string): string {
  const source = readFileSync(new URL("edge-serve.ts", APPS), "utf8").replaceAll(
    "../../../src/",
    fileURLToPath(new URL("../../src/", import.meta.url)),
  );
  const main = join(folder, `inline-${what}-app.ts`);
  writeFileSync(main, source.replace('INLINE = "nothing"', `INLINE = ${JSON.stringify(what)}`));
  return main;
}

// The measured application is always this checkout's; only what it imports is the other's.
function appOf(checkout: string, folder: string, side: string): string {
  const app = readFileSync(new URL("edge-serve.ts", APPS), "utf8").replaceAll("../../../src/", `${checkout}/src/`);
  const main = join(folder, `${side.replaceAll(/\W/g, "-")}-app.ts`);
  writeFileSync(main, app);
  return main;
}
