import { describe, expect, it } from "vitest";
import { resolveOptions } from "../../../src/api/resolve-options.ts";
import { hasErrors } from "../../../src/config/diagnostics.ts";
import { parseConfigText } from "../../../src/config/parse-file.ts";
import { validateConfig } from "../../../src/config/system-config.ts";
import { documentOf } from "../../../src/config/to-document.ts";
import type { ApplicationManifest } from "../../../src/protocol/manifest.ts";

const APP = { name: "news", import_path: "src/app.ts:app" };
const SHARE = { policy_function: "src/policies.ts:share", policy_kwargs: { budget: 3 } };

function read(application: object) {
  const { config, diagnostics } = validateConfig({ applications: [{ ...APP, ...application }] });
  expect(diagnostics).toEqual([]);
  return config!.applications[0]!;
}

describe("a policy that a config names", () => {
  it("is the application's", () => {
    expect(read({ autoscaling_policy: SHARE }).autoscalingPolicy).toEqual({
      policyFunction: "src/policies.ts:share",
      policyKwargs: { budget: 3 },
    });
  });

  it("is a deployment's, beside its options", () => {
    const autoscaling_config = { max_replicas: 4, policy: { policy_function: "src/policies.ts" } };
    expect(read({ deployments: [{ name: "Rank", autoscaling_config }] }).deployments).toEqual([
      { name: "Rank", options: { autoscaling: { maxReplicas: 4 } }, policy: { policyFunction: "src/policies.ts" } },
    ]);
  });

  it("may be null, which is none", () => {
    const { autoscalingPolicy, deployments } = read({
      autoscaling_policy: null,
      deployments: [{ name: "Rank", autoscaling_config: { policy: null } }],
    });
    expect(autoscalingPolicy).toBeUndefined();
    expect(deployments).toEqual([{ name: "Rank", options: { autoscaling: {} } }]);
  });

  it("is refused with its line, its path and what is accepted", () => {
    const text = [
      "applications:",
      "  - import_path: src/app.ts:app",
      "    autoscaling_policy:",
      "      policy_function: 5",
      "      kwargs: {}",
    ].join("\n");
    const { diagnostics } = parseConfigText(text, "serve.yaml");
    expect(hasErrors(diagnostics)).toBe(true);
    expect(diagnostics).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          file: "serve.yaml",
          line: 4,
          path: "applications[0].autoscaling_policy.policy_function",
          message: expect.stringContaining('must be "<module>:<export>", such as "src/policies.ts:share"'),
        }),
        expect.objectContaining({ line: 5, message: expect.stringContaining("Did you mean policy_kwargs?") }),
      ]),
    );
  });

  it("is in the document that is in force, as it was put", () => {
    const config = resolveOptions({ autoscaling: { maxReplicas: 4 } });
    const policy = { policyFunction: "src/policies.ts:share", policyKwargs: { budget: 3 } };
    const application: ApplicationManifest = {
      name: "news",
      routePrefix: "/",
      importPath: "src/app.ts:app",
      ingress: "Rank",
      autoscalingPolicy: policy,
      deployments: { Rank: { ...config, autoscaling: { ...config.autoscaling!, customPolicy: true, policy } } },
    };
    const document = documentOf([application]);
    expect(document.applications[0]).toMatchObject({
      autoscaling_policy: SHARE,
      deployments: [{ name: "Rank", autoscaling_config: { max_replicas: 4, policy: SHARE } }],
    });
    const { config: again } = validateConfig(JSON.parse(JSON.stringify(document)));
    expect(again?.applications[0]).toMatchObject({ autoscalingPolicy: policy, deployments: [{ name: "Rank", policy }] });
  });
});
