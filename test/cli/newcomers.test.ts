import { afterAll, describe, expect, it } from "vitest";
import { CliProject } from "../support/cli-project.ts";

const HEAD =
  'import * as serve from "edge-serve";\nclass Leaf { call() { return 1; } }\nclass Top { constructor(leaf: unknown) {} call() {} }\n';
/** What is written from the fourth line on, and what `build` says about it. */
const MISTAKES: readonly [name: string, code: string, said: string][] = [
  [
    "a forgotten bind()",
    "const leaf = serve.deployment(Leaf);\nexport const app = serve.deployment(Top).bind({ inner: [leaf] } as never);",
    'app.ts:5:42  Deployment "Top": argument 1 of bind() holds at .inner[0] the deployment "Leaf", which is not bound. Call .bind() on it.',
  ],
  [
    "a decorator",
    "@(serve.deployment as any)\nclass A { call() {} }\nexport const app = A;",
    "app.ts:5:1  deployment() is not a decorator",
  ],
  ["serve.run", "export const app = serve.deployment(Leaf).bind();\nserve.run(app as never);", "app.ts:5:7  serve.run() is Ray Serve's."],
  [
    "too many replicas",
    "export const app = serve.deployment(Leaf, { numReplicas: 1e9 }).bind();",
    'app.ts:4:26  Deployment "Leaf": numReplicas must be',
  ],
];

describe("what a newcomer gets wrong", () => {
  const project = new CliProject();
  project.install("edge-serve");
  afterAll(() => project[Symbol.dispose]());

  it.each(MISTAKES)("%s is an error of build, with file and line", async (_, code, said) => {
    project.write("app.ts", `${HEAD}${code}\n`);
    const { exitCode, err } = await project.run(["build", "app.ts:app"]);
    expect([exitCode, err]).toEqual([1, expect.stringContaining(said)]);
  });
});
