import { describe, expect, it } from "vitest";
import { deployment } from "../../../src/api/deployment.ts";
import { planDocument } from "../../../src/operator/plan-document.ts";
import { validateConfig } from "../../../src/config/system-config.ts";
import type { Manifest } from "../../../src/protocol/manifest.ts";

class Model {
  call(): void {}
}
class Front {
  call(): void {}
}
const app = deployment(Front, { autoscaling: { minReplicas: 0, initialReplicas: 3, maxReplicas: 10 } }).bind(
  ...([deployment(Model, { numReplicas: 5 }).bind()] as unknown as []),
);
const compiled = { protocol: 1, version: "v", applications: [{ name: "default", routePrefix: "/", ingress: "Front", deployments: {} }] };
const plan = (targetCapacity: unknown) =>
  planDocument(
    { target_capacity: targetCapacity, applications: [{ import_path: "app.ts:app" }] },
    { manifest: compiled as unknown as Manifest, code: { default: app } },
  );

describe("target_capacity", () => {
  it.each([
    [100, 5, [0, 3, 10]],
    [null, 5, [0, 3, 10]],
    [50, 3, [0, 2, 5]],
    [1, 1, [0, 1, 1]],
    [0, 0, [0, 0, 0]],
  ])("of %s scales 5 replicas to %s, and autoscaling's bounds", (capacity, replicas, bounds) => {
    const { applications } = plan(capacity);
    const { Model: model, Front: front } = applications![0]!.deployments;
    expect(model!.numReplicas).toBe(replicas);
    const { minReplicas, initialReplicas, maxReplicas } = front!.autoscaling!;
    expect([minReplicas, initialReplicas, maxReplicas]).toEqual(bounds);
  });

  it.each([101, -1, "half"])("of %j is refused", (capacity) => {
    const { config, diagnostics } = validateConfig({ target_capacity: capacity, applications: [] });
    expect(config).toBeUndefined();
    expect(diagnostics[0]!.message).toContain("target_capacity must be a finite number from 0 to 100");
  });
});
