import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { describe, expect, it } from "vitest";

/** Half of it is the control plane: the controller, the operator's API, and the checking of a config document; 3 kB are metrics, 4 the dashboard, 8 traffic. */
const BUDGET_BYTES = 96_000;

/** What may be in the bundle besides edge-serve itself. */
const PACKAGES = ["devalue", "itty-router", "valibot"];

// As `edge-serve build` writes it, with an application as small as they get.
const ENTRY = `
  import { createWorker } from "./src/worker.ts";
  import { deployment } from "./src/index.ts";
  const app = deployment(class Hello { call() { return "Hello"; } }).bind();
  const worker = createWorker({ version: "v", applications: [] }, { default: app });
  export class default__Hello extends worker.Replica("default", "Hello") {}
  export default worker.ingress;
`;

describe("the runtime in a bundle", async () => {
  const { outputFiles, metafile } = await build({
    stdin: { contents: ENTRY, resolveDir: process.cwd(), loader: "ts" },
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: "esm",
    target: "esnext",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*", "node:*"],
  });
  const [output] = outputFiles;
  const bundle = output!.contents;

  it(`takes at most ${BUDGET_BYTES / 1000} kB, minified and gzipped`, () => {
    const sizeBytes = gzipSync(bundle, { level: 9 }).length;
    console.info(`bundle: ${bundle.length} bytes minified, ${sizeBytes} gzipped, budget ${BUDGET_BYTES}`);
    expect(sizeBytes).toBeLessThanOrEqual(BUDGET_BYTES);
  });

  it("holds nothing of tasks and schedules where no deployment has any", () => {
    const [built] = Object.values(metafile.outputs);
    const held = Object.entries(built!.inputs).filter(([path, { bytesInOutput }]) => bytesInOutput > 0 && /src\/tasks\/|croner/.test(path));
    expect(held.map(([path]) => path)).toEqual([]);
  });

  it("holds no package but those agreed on, and no tool", () => {
    const [built] = Object.values(metafile.outputs);
    const inputs = Object.entries(built!.inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : []));
    const packages = new Set(inputs.flatMap((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []));
    expect([...packages].filter((name) => !PACKAGES.includes(name))).toEqual([]);
    expect(inputs.filter((path) => /^src\/(cli|testing|client|local)\b/.test(path))).toEqual([]);
  });
});
