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
/** The same of keyed deployments. */
const KEYED = { "keyed by hand": "keyed-hand-written", "keyed alike": "keyed-hand-written-alike", keyed: "keyed" };
const KEYED_CLASSES = ["rooms__Room", "calls__Caller", "calls__Echo"];
/** What is inline, by the name that its figures have. */
const INLINED = { "inline children": "children", "inline ingress": "all" };
const APPS = new URL("../micro/apps/", import.meta.url);

/** A side of a comparison: its application's main module and Durable Object classes. */
interface Side {
  readonly side: string;
  readonly main: string;
  readonly classes: readonly string[];
}

/** The sides on which keyed deployments are measured, each other checkout included. */
export function keyedSides(others: Others): string[] {
  return [...Object.keys(KEYED), ...Object.keys(others).map((name) => `keyed ${name}`)];
}

/** Those of pools. */
export function poolSides(others: Others): string[] {
  return [...Object.keys(SIDES), ...Object.keys(INLINED), ...Object.keys(others)];
}

/**
 * Bundles sides, each twice.
 *
 * @param wanted The sides that are to be measured.
 * @returns The path of workerd's config, whose sockets have the variants' names.
 */
export function buildVariants(
  folder: string,
  { others, isWithCf, wanted }: { readonly others: Others; readonly isWithCf: boolean; readonly wanted: ReadonlySet<string> },
): { readonly config: string; readonly variants: Variant[] } {
  const ours = (app: string): string => fileURLToPath(new URL(`${app}.ts`, APPS));
  const withControl = (classes: readonly string[], app: string) =>
    app.includes("hand-written") ? classes : [...classes, ...CONTROL_PLANE];
  const sides: Side[] = [
    ...Object.entries(SIDES).map(([side, app]): Side => ({ side, main: ours(app), classes: withControl(CLASSES, app) })),
    ...Object.entries(INLINED).map(([side, what]): Side => ({ side, main: inlined(what, folder), classes: withControl(CLASSES, side) })),
    ...Object.entries(KEYED).map(([side, app]): Side => ({ side, main: ours(app), classes: withControl(KEYED_CLASSES, app) })),
    ...Object.entries(others).flatMap(([side, checkout]): Side[] => [
      { side, main: appOf("edge-serve", checkout, { folder, side }), classes: withControl(CLASSES, side) },
      {
        side: `keyed ${side}`,
        main: appOf("keyed", checkout, { folder, side: `keyed ${side}` }),
        classes: withControl(KEYED_CLASSES, side),
      },
    ]),
  ];
  const services: (ServiceInput & Variant)[] = [];
  for (const { side, main, classes } of sides) {
    if (!wanted.has(side)) continue;
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
function appOf(name: string, checkout: string, { folder, side }: { readonly folder: string; readonly side: string }): string {
  const app = readFileSync(new URL(`${name}.ts`, APPS), "utf8").replaceAll("../../../src/", `${checkout}/src/`);
  const main = join(folder, `${side.replaceAll(/\W/g, "-")}-app.ts`);
  writeFileSync(main, app);
  return main;
}
