import { describe, expect, it } from "vitest";
import { CliProject } from "../support/cli-project.ts";

const APP = `import * as serve from "edge-serve";
class Rank { call() { return "ranked"; } }
export const app = serve.deployment(Rank, { autoscaling: { maxReplicas: 4, policy: () => 1 } }).bind();
`;
const POLICIES = "export const share = () => ({ Rank: 2 });\nexport const other = 5;\n";
const configOf = (policyFunction: string) =>
  `applications:\n  - name: news\n    import_path: src/app.ts:app\n    autoscaling_policy:\n      policy_function: ${policyFunction}\n`;
const filesOf = (policyFunction: string) => ({
  "src/app.ts": APP,
  "src/policies.ts": POLICIES,
  "serve.yaml": configOf(policyFunction),
});

describe("a config file that names a policy", () => {
  it("is compiled into the entry module, with a warning where a deployment has a policy of its own", async () => {
    using project = new CliProject(filesOf("src/policies.ts:share"));
    project.install("edge-serve");
    const { exitCode, err } = await project.run(["build"]);
    expect(exitCode).toBe(0);
    expect(err).toContain('warning: serve.yaml:5:7  Application "news": autoscaling_policy decides for all deployments');
    const entry = project.read(".edge-serve/worker.ts");
    expect(entry).toContain('import { share as news_policy } from "../src/policies.ts";');
    expect(entry).toContain('autoscalingPolicy: { policyFunction: "src/policies.ts:share" }');
    expect(entry).toContain("}, { policies: { news: news_policy } });");
    const again = await project.run(["build"]);
    expect([again.exitCode, project.read(".edge-serve/worker.ts")]).toEqual([0, entry]);
  });

  it.each([
    ["src/nope.ts:share", 'names "src/nope.ts", but there is no file'],
    [
      "src/policies.ts:shar",
      'names "src/policies.ts:shar", and that is nothing: there is no such export, or it is undefined. The module exports: other, share.',
    ],
    ["src/policies.ts:other", 'names "src/policies.ts:other", and that is 5. It must be a function that returns numbers of replicas.'],
  ])("is told what is wrong with %s, and where", async (policyFunction, says) => {
    using project = new CliProject(filesOf(policyFunction));
    project.install("edge-serve");
    const { exitCode, err } = await project.run(["build"]);
    expect(exitCode).toBe(1);
    expect(err).toContain(`serve.yaml:5:24  applications[0].autoscaling_policy.policy_function ${says}`);
    expect(project.read(".edge-serve/worker.ts")).toBeUndefined();
  });

  it("is reloaded by run when the policy changes", async () => {
    using project = new CliProject(filesOf("src/policies.ts:share"));
    await using running = project.start(["run", "serve.yaml", "--port", "0"]);
    await running.says("/  news");
    project.write("src/policies.ts", POLICIES.replace("2", "3"));
    await running.says("Reloaded, version");
  });
});
