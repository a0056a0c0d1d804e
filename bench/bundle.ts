/**
 * What edge-serve weighs in a Worker, by room: `npm run bench:bundle` writes its part of `docs/benchmarks.md`.
 */
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { writePart } from "./parts.ts";

/** As `edge-serve build` writes it, with an application as small as they get. */
const ENTRY = `
  import { createWorker } from "./src/worker.ts";
  import { deployment } from "./src/index.ts";
  const app = deployment(class Hello { call() { return "Hello"; } }).bind();
  const worker = createWorker({ version: "v", applications: [] }, { default: app });
  export class default__Hello extends worker.Replica("default", "Hello") {}
  export default worker.ingress;
`;

/** A minified bundle. */
export interface RuntimeBundle {
  readonly bytes: number;
  readonly gzippedBytes: number;
  /** What each file has in it, by path relative to the repository. */
  readonly files: ReadonlyMap<string, number>;
}

/**
 * Bundles the runtime and the smallest application, as `wrangler deploy --minify` does.
 *
 * @param keepNames Whether functions and classes keep their names, as they do unless wrangler's configuration says `keep_names: false`.
 */
export async function bundleRuntime({ keepNames = false } = {}): Promise<RuntimeBundle> {
  const { outputFiles, metafile } = await build({
    stdin: { contents: ENTRY, resolveDir: process.cwd(), loader: "ts" },
    bundle: true,
    minify: true,
    keepNames,
    write: false,
    metafile: true,
    format: "esm",
    target: "esnext",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*", "node:*"],
  });
  const { contents } = outputFiles[0]!;
  const [{ inputs }] = Object.values(metafile.outputs) as [(typeof metafile.outputs)[string]];
  const files = Object.entries(inputs).map(([path, { bytesInOutput }]) => [path, bytesInOutput] as const);
  return {
    bytes: contents.length,
    gzippedBytes: gzipSync(contents, { level: 9 }).length,
    files: new Map(files.filter(([, bytes]) => bytes > 0)),
  };
}

/** The folder below `src`, a folder beside it, an entry, or a package. */
function roomOf(path: string): string {
  const names = path.split("/");
  if (names[0] === "node_modules") return names[1]!;
  return names[0] === "src" ? names[1]! : names[0]!;
}

function pageOf(bundle: RuntimeBundle, named: RuntimeBundle): string {
  const rooms = Map.groupBy(
    [...bundle.files].filter(([path]) => path !== "<stdin>"),
    ([path]) => roomOf(path),
  );
  const weights = Array.from(rooms, ([room, files]) => ({ room, bytes: files.reduce((sum, [, bytes]) => sum + bytes, 0) }));
  const kilobytes = (bytes: number) => (bytes / 1000).toFixed(1);
  const rows = weights
    .toSorted((a, b) => b.bytes - a.bytes)
    .map(({ room, bytes }) => `| \`${room}\` | ${kilobytes(bytes)} | ${((100 * bytes) / bundle.bytes).toFixed(1)} % |`);
  return `## What it weighs in a Worker

A bundle of the runtime and an application of one line, without tasks, schedules and the RPC endpoint, as \`wrangler deploy --minify\` makes it:
${kilobytes(named.bytes)} kB, gzipped **${kilobytes(named.gzippedBytes)} kB**. ${kilobytes(named.gzippedBytes - bundle.gzippedBytes)} kB of that are the names of functions and classes, which wrangler keeps
unless its configuration says [\`keep_names: false\`](configuration.md#a-smaller-bundle). Without them it is ${kilobytes(bundle.bytes)} kB, gzipped **${kilobytes(bundle.gzippedBytes)} kB**, of which the rooms take:

| room | kB, minified | of all |
| --- | --- | --- |
${rows.join("\n")}`;
}

if (import.meta.main) {
  const [bundle, named] = await Promise.all([bundleRuntime(), bundleRuntime({ keepNames: true })]);
  writePart("bench:bundle", pageOf(bundle, named));
}
