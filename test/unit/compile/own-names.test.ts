import { describe, expect, it } from "vitest";
import { deployment } from "../../../src/api/deployment.ts";
import { describeSystem } from "../../../src/compile/manifest.ts";
import { documentInForce, planDocument } from "../../../src/compile/plan-document.ts";

/** What every object has: a name may be one of them, and is not there because of that. */
const NAMES = ["constructor", "toString", "hasOwnProperty", "valueOf", "isPrototypeOf", "propertyIsEnumerable"];

class Model {
  call(): void {}
}

describe.each(NAMES)("the name %s", (name) => {
  const code = { app: deployment(Model).bind() };
  const described = { name: "app", routePrefix: "/", deployments: [] };
  const result = describeSystem({ applications: [described] }, code);
  const manifest = { ...(result as unknown as { manifest: object }).manifest, version: "v" } as never;
  const plan = (entry: object) => planDocument({ applications: [{ import_path: "a:b", name: "app", ...entry }] }, { manifest, code });

  it("is no application's export", () => {
    expect(describeSystem({ applications: [{ ...described, name }] }, {})).toMatchObject({
      problems: [{ message: expect.stringContaining(`Application "${name}": its import_path names nothing`) }],
    });
  });

  it("is no application and no deployment of a document", () => {
    expect(plan({ name }).diagnostics[0]?.message).toContain(`is "${name}", and the deployed code has: app.`);
    const unknown = plan({ deployments: [{ name }] }).diagnostics[0]?.message;
    expect(unknown).toContain(`Application "app" has no deployment "${name}". It has: Model.`);
    const policy = { policy_function: "a:b" };
    const named = plan({ deployments: [{ name, autoscaling_config: { policy } }] }).diagnostics[0]?.message;
    expect(named).toContain("and what was deployed has none.");
  });

  it("may be an application's and a deployment's, and its document is in force as that of any", () => {
    const own = { [name]: deployment(Model, { name }).bind() };
    const system = describeSystem({ applications: [{ ...described, name, deployments: [{ name, options: { numReplicas: 3 } }] }] }, own);
    expect(system).toMatchObject({ manifest: { applications: [{ name, ingress: name, deployments: { [name]: { numReplicas: 3 } } }] } });
    const { applications } = (system as unknown as { manifest: { applications: never } }).manifest;
    expect(documentInForce(applications, own).applications).toMatchObject([{ name, deployments: [{ name, num_replicas: 3 }] }]);
  });
});
