/** Ray Serve's unit test test_deployment_class.py, translated. */
import { describe, expect, it } from "vitest";
import { deployment } from "../../../src/api/deployment.ts";
import type { DeploymentOptions } from "../../../src/api/options.ts";
import { describeSystem } from "../../../src/compile/manifest.ts";
import { validateConfig } from "../../../src/config/system-config.ts";

class D {
  call() {}
}

/** The deployment's configuration when code gives `code` and the config file `file`. */
function configured(code: DeploymentOptions, file: object) {
  const { config } = validateConfig({ applications: [{ import_path: "app.ts:app", deployments: [{ name: "D", ...file }] }] });
  const described = describeSystem({ applications: config!.applications }, { default: deployment(D, code).bind() });
  if ("problems" in described) throw new Error(described.problems.map(({ message }) => message).join("\n"));
  return described.manifest.applications[0]!.deployments["D"];
}

describe("what an author configured", () => {
  it.each([
    {},
    { numReplicas: 2 },
    { numReplicas: 2, maxOngoingRequests: 7 },
    { name: "Other", userConfig: { a: 1 }, healthCheckPeriodMs: 5 },
    // The default, but said.
    { maxOngoingRequests: 100 },
  ])("is exactly what was given: %j", (options) => {
    expect(deployment(D, options).given).toEqual(options);
  });

  it("is kept by options(), which adds what it is given", () => {
    const changed = deployment(D, { numReplicas: 2 }).options({ maxOngoingRequests: 7 });
    expect([changed.name, changed.given]).toEqual(["D", { numReplicas: 2, maxOngoingRequests: 7 }]);
    expect(changed.options({ numReplicas: 3 }).given).toEqual({ numReplicas: 3, maxOngoingRequests: 7 });
  });

  it("gives way to the config file, and to nothing that the file does not say", () => {
    expect(configured({ numReplicas: 2, maxOngoingRequests: 7 }, { num_replicas: 5 })).toMatchObject({
      numReplicas: 5,
      maxOngoingRequests: 7,
      maxQueuedRequests: 1000,
    });
    // Said, although it is the default.
    expect(configured({ maxOngoingRequests: 7 }, { max_ongoing_requests: 100 })).toMatchObject({ maxOngoingRequests: 100 });
  });
});

it("knows no placement groups", () => {
  expect(() => deployment(D, { placementGroupBundles: [{ CPU: 0 }] } as object)).toThrow(
    /^Deployment "D": unknown option "placementGroupBundles"/,
  );
});
