/**
 * What a module exports, found out by bundling it: through whatever it re-exports, and without running it.
 *
 * The bundler is the one that wrangler bundles with, so what it sees is what will be deployed.
 */
import { realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { extname, resolve } from "node:path";
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
export async function readModule({ file, root, entry, names, alias, tsconfig }: ReadOptions): Promise<ReadModule> {
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
        return isEntry ? resolveEntry(args) : resolveOther(build, args, alias);
      });
      build.onLoad({ filter: /.*/, namespace: STUB }, ({ path }) => ({
        contents: names?.includes(path) ? classStub(path) : entryStub(names ?? []),
      }));
    },
  };
  const { metafile } = await bundle({
    ...SETTINGS,
    ...(tsconfig === undefined ? {} : { tsconfig }),
    entryPoints: [main],
    absWorkingDir: directory,
    plugins: [plugin],
  });
  const [output] = Object.values(metafile.outputs);
  const { inputs, exports } = output!;
  const isTaken = (name: string) => (inputs[`${STUB}:${name}`]?.bytesInOutput ?? 0) > 0;
  return {
    exports: new Set(exports),
    specifiers: [...specifiers],
    isImportedElsewhere,
    taken: new Set((names ?? []).filter(isTaken)),
    inputs: Object.keys(metafile.inputs).flatMap((path) => (path.startsWith(`${STUB}:`) ? [] : [resolve(root, path)])),
  };
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

// What wrangler makes of other files, or of what is not found, exports no classes.
async function resolveOther(build: PluginBuild, args: OnResolveArgs, alias: ReadOptions["alias"]): Promise<OnResolveResult | undefined> {
  const { path, importer, namespace, resolveDir, kind, pluginData } = args;
  if (pluginData === PLUGIN_DATA) return undefined;
  const meant = Object.hasOwn(alias, path) ? alias[path]! : path;
  const { errors, ...found } = await build.resolve(meant, { importer, namespace, resolveDir, kind, pluginData: PLUGIN_DATA });
  return errors.length > 0 || found.external || !isReadable(found.path) ? { path, external: true } : found;
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
