import { execFile } from "node:child_process";
import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

/** Half as much again as measured; a type that explodes costs ten times as much, not half. */
const BUDGET_INSTANTIATIONS_PER_DEPLOYMENT = 650;

const DEPLOYMENTS = 50;
const TIMEOUT_MS = 60_000;

/** Deployments that each have the kinds of methods there are, and handles of the three before. */
function application(deployments: number): string {
  const lines = ['import * as serve from "edge-serve";'];
  for (let n = 0; n < deployments; n++) {
    const before = [n - 1, n - 2, n - 3].filter((m) => m >= 0);
    lines.push(
      `export class D${n} {`,
      `  constructor(${before.map((m) => `readonly d${m}: serve.DeploymentHandle<D${m}>`).join(", ")}) {}`,
      "  predict = (text: string) => Promise.resolve(text.length);",
      `  async call(request: { id: number; field${n}: string }) {`,
      ...before.map((m) => `    void this.d${m}.predict.remote(this.d${m}.score.remote([request.id], 0.5)).result();`),
      "    return request;",
      "  }",
      "  score(items: readonly number[], limit?: number): string { return String(items.length + (limit ?? 0)); }",
      "  async *tokens(text: string): AsyncGenerator<{ token: string }> { yield { token: text }; }",
      `  only${n}(value: Map<string, Date>): boolean { return value.size > ${n}; }`,
      "}",
      `export const d${n} = serve.deployment(D${n}).bind(${before.map((m) => `d${m}`).join(", ")});`,
    );
  }
  return lines.join("\n");
}

/** Type-checks one file and returns what the compiler printed. */
async function check(source: string, ...flags: string[]): Promise<string> {
  await using folder = await mkdtempDisposable(join(tmpdir(), "edge-serve-types-"));
  const root = process.cwd();
  await writeFile(join(folder.path, "app.mts"), source);
  await writeFile(
    join(folder.path, "tsconfig.json"),
    JSON.stringify({
      extends: join(root, "tsconfig.base.json"),
      compilerOptions: {
        noEmit: true,
        types: ["@cloudflare/workers-types"],
        typeRoots: [join(root, "node_modules")],
        paths: { "edge-serve": [join(root, "src/index.ts")] },
      },
      files: ["app.mts", join(root, "src/context/async-hooks.d.ts")],
    }),
  );
  const { promise, resolve } = Promise.withResolvers<string>();
  const compiler = [join(root, "node_modules/typescript/bin/tsc"), "-p", folder.path, ...flags];
  // A compiler that found errors exits with a status; what it printed is the answer either way.
  execFile(process.execPath, compiler, { timeout: TIMEOUT_MS, killSignal: "SIGKILL" }, (_, stdout) => resolve(stdout));
  return await promise;
}

async function instantiationsOf(source: string): Promise<number> {
  const output = await check(source, "--extendedDiagnostics");
  expect(output).not.toContain("error TS");
  return Number(/^Instantiations:\s+(\d+)$/m.exec(output)?.[1]);
}

describe("the types of an application", () => {
  it(`with ${DEPLOYMENTS} deployments stay within their budget of instantiations`, { timeout: 3 * TIMEOUT_MS }, async () => {
    const base = await instantiationsOf(application(1));
    const all = await instantiationsOf(application(DEPLOYMENTS));
    const each = (all - base) / (DEPLOYMENTS - 1);
    console.info(`types: ${all} instantiations with ${DEPLOYMENTS} deployments, ${each.toFixed(0)} for each, ${base} for the first`);
    expect(each).toBeLessThanOrEqual(BUDGET_INSTANTIATIONS_PER_DEPLOYMENT);
  });

  it("keep the names of parameters, so that an editor shows them", { timeout: TIMEOUT_MS }, async () => {
    // Names of a tuple's members are not part of its type, but the compiler prints them.
    const output = await check(`
      import * as serve from "edge-serve";
      class Ranker {
        constructor(readonly model: serve.DeploymentHandle<Ranker>, readonly threshold?: number) {}
        call(document: string, limit?: number): string { return document + limit; }
      }
      const ranker = serve.deployment(Ranker);
      declare const handle: serve.DeploymentHandle<Ranker>;
      export const bindParameters: null = {} as Parameters<typeof ranker.bind>;
      export const callParameters: null = {} as Parameters<typeof handle.remote>;
    `);
    expect(output).toMatch(/Type '\[model: .*, threshold\?: .*\]' is not assignable to type 'null'/);
    expect(output).toMatch(/Type '\[document: .*, limit\?: .*\]' is not assignable to type 'null'/);
  });

  it("call options by the name that an author knows", { timeout: TIMEOUT_MS }, async () => {
    const output = await check(`
      import * as serve from "edge-serve";
      async function rank() {}
      serve.deployment(rank, { maxOngoing: 3 });
      serve.deployment(rank, { autoscaling: { minReplica: 3 } });
      serve.batch(async (texts: string[]) => texts, { maxSize: 3 });
      serve.multiplexed((id: string) => id, { maxModels: 3 });
    `);
    for (const type of ["DeploymentOptions", "AutoscalingOptions", "BatchOptions<.*>", "MultiplexedOptions<.*>"]) {
      expect(output).toMatch(new RegExp(`does not exist in type '${type}'|in type '${type}'\\. Did you mean`));
    }
    expect(output).not.toContain("OptionsOf");
  });
});
