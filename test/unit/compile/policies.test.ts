import { describe, expect, it } from "vitest";
import { deployment } from "../../../src/api/deployment.ts";
import { describeCode, policyWarnings } from "../../../src/compile/describe-code.ts";
import { describeModule } from "../../../src/compile/describe-module.ts";
import { entryModule } from "../../../src/compile/entry-module.ts";
import type { DescribedApplication } from "../../../src/compile/manifest.ts";
import { documentInForce, planDocument } from "../../../src/compile/plan-document.ts";
import type { Manifest } from "../../../src/protocol/manifest.ts";

class Rank {
  call() {}
}
const CODE = { news: deployment(Rank, { autoscaling: { maxReplicas: 4 } }).bind() };
const SHARE = { policyFunction: "src/policies.ts:share", policyKwargs: { budget: 3 } };
const OWN = { policyFunction: "src/policies.ts:own" };
const plain: DescribedApplication = { name: "news", routePrefix: "/", importPath: "src/app.ts:app", deployments: [] };
const named: DescribedApplication = {
  ...plain,
  autoscalingPolicy: SHARE,
  deployments: [{ name: "Rank", options: {}, policy: OWN }],
  policyExports: { "src/policies.ts:share": ["own", "other"], "src/policies.ts:own": ["own", "other"] },
};
const POLICIES = { news: () => ({}), "news/Rank": () => 1 };

function compiled(application = named, code: Readonly<Record<string, unknown>> = CODE): Manifest {
  const result = describeCode({ applications: [application] }, code, POLICIES);
  if ("problems" in result) throw new Error(result.problems.map(({ message }) => message).join("\n"));
  return { ...result.manifest, version: "v1" };
}

describe("the policies of a configuration", () => {
  it("are data in the manifest", () => {
    const [application] = compiled().applications;
    expect(application).toMatchObject({
      autoscalingPolicy: SHARE,
      deployments: { Rank: { autoscaling: { maxReplicas: 4, customPolicy: true, policy: OWN } } },
    });
  });

  it("leave a manifest without any as it was", () => {
    expect(JSON.stringify(compiled(plain))).not.toMatch(/"policy"|autoscalingPolicy/);
  });

  it.each([
    ["nothing", undefined, "nothing: there is no such export, or it is undefined. The module exports: own, other. It must be a function"],
    ["a number", 5, "5. It must be a function that returns numbers of replicas."],
    ["a class", Rank, "class Rank. It must be a function that returns numbers of replicas: it is given policy_kwargs as its second"],
    ["an async function", async () => ({}), "an async function. It must be a function that returns numbers of replicas at once."],
  ])("are refused when they name %s, with the path and what is accepted", (_, value, says) => {
    const result = describeCode({ applications: [named] }, CODE, { news: value, "news/Rank": value });
    const problems = "problems" in result ? result.problems : [];
    expect(problems.map(({ path }) => path)).toEqual([
      ["applications", 0, "autoscaling_policy", "policy_function"],
      ["applications", 0, "deployments", 0, "autoscaling_config", "policy", "policy_function"],
    ]);
    expect(problems[0]?.message).toContain(
      'applications[0].autoscaling_policy.policy_function names "src/policies.ts:share", and that is ',
    );
    expect(problems[0]?.message).toContain(says);
  });

  it("warn of what has nothing to decide, and of deployments' own that are not asked", () => {
    const fixed = { news: deployment(Rank).bind() };
    const without = { ...plain, autoscalingPolicy: SHARE };
    expect(policyWarnings(compiled(plain).applications)).toEqual([]);
    expect(policyWarnings(compiled(without).applications)).toEqual([]);
    expect(policyWarnings(compiled(without, fixed).applications)[0]?.message).toContain("none of the deployments is autoscaled");
    const [shadowed] = policyWarnings(compiled().applications);
    expect(shadowed).toEqual({
      path: ["applications", 0, "autoscaling_policy"],
      message:
        'Application "news": autoscaling_policy decides for all deployments: the policies of their own that these have are not asked: Rank.',
    });
  });
});

describe("the generated modules", () => {
  const source = { specifier: "../src/policies.ts", exportName: "share" };

  it("import the policies, and hand them over by whose they are", () => {
    const text = entryModule({
      target: "serve.yaml",
      manifest: compiled(),
      sources: { news: { specifier: "../src/app.ts", exportName: "app" } },
      policies: { news: source, "my-app/Rank_b": { ...source, exportName: "default" } },
      retired: [],
      forTests: true,
    });
    expect(text).toContain('import { share as news_policy } from "../src/policies.ts";');
    expect(text).toContain('import my_dapp__Rank_ub$policy from "../src/policies.ts";');
    expect(text).toContain(
      '}, { policies: { news: news_policy, "my-app/Rank_b": my_dapp__Rank_ub$policy }, rpc: rpcEndpoint({ testToken: "EDGE_SERVE_TEST_TOKEN" }) });',
    );
  });

  it("ask with what the policies' modules export", () => {
    const text = describeModule([
      { ...plain, autoscalingPolicy: SHARE, specifier: "../src/app.ts", exportName: "app", policySources: { news: source } },
    ]);
    expect(text).toContain('policyExports: { "src/policies.ts:share": Object.keys(module1) }');
    expect(text).toContain('"news": module1["share"],');
  });
});

describe("a document for deployed code", () => {
  const put = (application: object, manifest = compiled()) =>
    planDocument(
      { applications: [{ name: "news", import_path: "src/app.ts:app", ...application }] },
      { manifest, code: CODE, policies: POLICIES },
    );
  const share = (changes: object = {}) => ({ autoscaling_policy: { policy_function: "src/policies.ts:share", ...changes } });

  it("may name the same policy, in another way, with other kwargs", () => {
    const { applications, diagnostics } = put(share({ policy_function: "./policies.js:share", policy_kwargs: { budget: 9 } }));
    expect(diagnostics).toEqual([]);
    expect(applications?.[0]?.autoscalingPolicy).toEqual({ policyFunction: "./policies.js:share", policyKwargs: { budget: 9 } });
  });

  it("may leave policies out: then each deployment's own decides, or its load", () => {
    const { applications, diagnostics } = put({});
    expect(diagnostics).toEqual([]);
    expect(applications?.[0]).not.toHaveProperty("autoscalingPolicy");
    expect(applications?.[0]?.deployments["Rank"]?.autoscaling).toMatchObject({ customPolicy: false });
  });

  it("may not name another, nor one where there was none", () => {
    const other = put(share({ policy_function: "src/policies.ts:other" }));
    expect(other.applications).toBeUndefined();
    expect(other.diagnostics).toEqual([
      {
        severity: "error",
        path: "applications[0].autoscaling_policy.policy_function",
        message:
          'Application "news": applications[0].autoscaling_policy.policy_function is "src/policies.ts:other", ' +
          'and what was deployed has "src/policies.ts:share". ' +
          "To change code, run edge-serve deploy.",
      },
    ]);
    expect(put(share(), compiled(plain)).diagnostics[0]?.message).toContain("what was deployed has none.");
    const autoscaling_config = { policy: { policy_function: "src/policies.ts:other" } };
    expect(put({ deployments: [{ name: "Rank", autoscaling_config }] }).diagnostics.map(({ path }) => path)).toEqual([
      "applications[0].deployments[0].autoscaling_config.policy.policy_function",
    ]);
  });

  it("is in force as it was put: putting it again changes nothing", () => {
    const manifest = compiled();
    const document = documentInForce(manifest.applications, CODE);
    expect(document.applications[0]).toMatchObject({
      autoscaling_policy: { policy_function: "src/policies.ts:share", policy_kwargs: { budget: 3 } },
    });
    expect(planDocument(document, { manifest, code: CODE, policies: POLICIES })).toEqual({
      applications: manifest.applications,
      diagnostics: [],
    });
  });
});
