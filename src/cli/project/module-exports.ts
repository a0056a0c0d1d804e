/**
 * What a module exports, found out by bundling it: through whatever it re-exports, and without running it.
 *
 * The bundler is the one that wrangler bundles with, so what it sees is what will be deployed.
 */
import { realpathSync } from "node:fs";
import { createRequire, isBuiltin } from "node:module";
import { extname, resolve } from "node:path";
import { type PlainDefault, plainDefaultOf } from "./default-export.ts";
import type { BuildOptions, BuildResult, OnResolveArgs, OnResolveResult, Plugin, PluginBuild } from "esbuild";

/** What to read, and how imports are resolved. */
export interface ReadOptions {
  /** Absolute. */
  readonly file: string;
  /** Absolute. */
  readonly root: string;
  /** Where the generated entry is, or will be, relative to the root. */
  readonly entry: string;
  /** What the generated entry exports, besides its default; without them, what is taken from it is not looked at. */
  readonly names?: readonly string[] | undefined;
  readonly alias: Readonly<Record<string, string>>;
  readonly tsconfig?: string;
}

/** What there is to know of a module. */
export interface ReadModule {
  readonly exports: ReadonlySet<string>;
  /** How the module itself imports the generated entry, in import declarations. */
  readonly specifiers: readonly string[];
  /** A module that it imports imports the generated entry, or a call does. */
  readonly isImportedElsewhere: boolean;
  /** Its default export, where that is seen to be no Worker. */
  readonly plainDefault: PlainDefault | undefined;
  /** Which of `names` it is made with. */
  readonly taken: ReadonlySet<string>;
  /** The files that it is made from, absolute. */
  readonly inputs: readonly string[];
}

/** Whether a file is one that a bundler reads as a module of JavaScript. */
export function isScript(file: string): boolean {
  return /^\.[cm]?[jt]sx?$/.test(extname(file));
}

/** Reads a module. Rejects with the bundler's error, which has the places, for what it cannot read. */
export async function readModule(options: ReadOptions): Promise<ReadModule> {
  const { module, whole } = await read(options, new Set());
  // Of the packages only those matter whose exports are unknown without them.
  return whole.size === 0 ? module : (await read(options, whole)).module;
}

/** @param whole The packages that are read too. */
async function read(
  { file, root, entry, names, alias, tsconfig }: ReadOptions,
  whole: ReadonlySet<string>,
): Promise<{ readonly module: ReadModule; readonly whole: ReadonlySet<string> }> {
  // Modules are where links lead to.
  const [main, directory] = [realpathSync(file), realpathSync(root)];
  const entryFile = withoutEnding(resolve(directory, entry));
  const specifiers = new Set<string>();
  let isImportedElsewhere = false;
  const resolveEntry = ({ path, kind, importer }: OnResolveArgs): OnResolveResult => {
    if (kind === "import-statement" && importer === main) specifiers.add(path);
    else isImportedElsewhere = true;
    return names === undefined ? { path, external: true } : { path: entry, namespace: STUB, sideEffects: false };
  };
  const plugin: Plugin = {
    name: "edge-serve",
    setup: (build) => {
      build.onResolve({ filter: /.*/, namespace: STUB }, ({ path }) => ({
        path: path.slice(CLASS.length),
        namespace: STUB,
        sideEffects: false,
      }));
      build.onResolve({ filter: /.*/ }, (args) => {
        if (args.kind === "entry-point") return undefined;
        const isEntry = withoutEnding(resolve(args.resolveDir, args.path)) === entryFile;
        return isEntry ? resolveEntry(args) : resolveOther(build, args, { alias, whole });
      });
      build.onLoad({ filter: /.*/, namespace: STUB }, ({ path }) => ({
        contents: names?.includes(path) ? classStub(path) : entryStub(names ?? []),
      }));
    },
  };
  const { metafile, outputFiles } = await bundle({
    ...SETTINGS,
    ...(tsconfig === undefined ? {} : { tsconfig }),
    entryPoints: [main],
    absWorkingDir: directory,
    plugins: [plugin],
  });
  const [output] = Object.values(metafile.outputs);
  const { text } = outputFiles[0]!;
  const { inputs, exports } = output!;
  const isTaken = (name: string) => (inputs[`${STUB}:${name}`]?.bytesInOutput ?? 0) > 0;
  const module = {
    exports: new Set(exports),
    specifiers: [...specifiers],
    isImportedElsewhere,
    plainDefault: plainDefaultOf(text),
    taken: new Set((names ?? []).filter(isTaken)),
    inputs: Object.keys(metafile.inputs).flatMap((path) => (path.startsWith(`${STUB}:`) ? [] : [resolve(root, path)])),
  };
  return { module, whole: new Set([...text.matchAll(ALL_OF)].map(([, path]) => path!).filter(isPackageName)) };
}

// As the bundler writes it. What is not one, such as a line of a text, is read for nothing.
const ALL_OF = /^export \* from "([^"]+)";$/gm;

function isPackageName(path: string): boolean {
  return !path.startsWith(".") && !OWN.test(path) && !isBuiltin(path);
}

// Stands for the generated entry: a module for each of its classes shows which of them are made use of. What is not is left out.
const STUB = "edge-serve";
const CLASS = "class ";

function entryStub(names: readonly string[]): string {
  return ["export default {};", ...names.map((name) => `export { ${name} } from "${CLASS}${name}";`)].join("\n");
}

function classStub(name: string): string {
  return `export class ${name} {}`;
}

const PLUGIN_DATA = "edge-serve asks";
const OWN = /^edge-serve(?:\/|$)/;

interface Resolving extends Pick<ReadOptions, "alias"> {
  readonly whole: ReadonlySet<string>;
}

// What wrangler makes of files of other kinds, or of what is not found, exports no classes.
async function resolveOther(build: PluginBuild, args: OnResolveArgs, { alias, whole }: Resolving): Promise<OnResolveResult | undefined> {
  const { path, importer, namespace, resolveDir, kind, pluginData } = args;
  if (pluginData === PLUGIN_DATA) return undefined;
  if (OWN.test(path)) return { path, external: true };
  const meant = Object.hasOwn(alias, path) ? alias[path]! : path;
  const { errors, ...found } = await build.resolve(meant, { importer, namespace, resolveDir, kind, pluginData: PLUGIN_DATA });
  const isLeftOut = isInstalled(found.path) && !isInstalled(importer) && !whole.has(path);
  return errors.length > 0 || found.external || isLeftOut || !isReadable(found.path) ? { path, external: true } : found;
}

function isInstalled(file: string): boolean {
  return /[\\/]node_modules[\\/]/.test(file);
}

function isReadable(path: string): boolean {
  return isScript(path) || extname(path) === ".json";
}

// As wrangler has them.
const SETTINGS = {
  bundle: true,
  write: false,
  metafile: true,
  format: "esm",
  target: "esnext",
  outfile: "main.js",
  logLevel: "silent",
  platform: "browser",
  conditions: ["workerd", "worker", "browser"],
  loader: { ".js": "jsx", ".mjs": "jsx", ".cjs": "jsx" },
} as const satisfies BuildOptions;

function bundle(options: BuildOptions & typeof SETTINGS): Promise<BuildResult<typeof SETTINGS>> {
  const wranglers = createRequire(createRequire(import.meta.url).resolve("wrangler/package.json"));
  const { build } = wranglers("esbuild") as { build(settings: typeof options): Promise<BuildResult<typeof SETTINGS>> };
  return build(options);
}

function withoutEnding(file: string): string {
  return file.replace(/\.[jt]s$/, "");
}
