import { describe, expect, it } from "vitest";
import { deployment } from "../../../src/api/deployment.ts";
import { planDocument } from "../../../src/operator/plan-document.ts";
import { describeSystem } from "../../../src/compile/manifest.ts";
import type { Manifest } from "../../../src/protocol/manifest.ts";

class Model {
  call() {}
  reconfigure() {}
}
const CODE = { main: deployment(Model, { maxOngoingRequests: 7 }).bind(), other: deployment(Model).bind() };

function compiled(): Manifest {
  const result = describeSystem(
    {
      applications: [
        { name: "main", routePrefix: "/", importPath: "src/app.ts:app", deployments: [] },
        { name: "other", routePrefix: "/other", importPath: "src/app.ts:other", deployments: [] },
      ],
    },
    CODE,
  );
  if ("problems" in result) throw new Error("It does not compile.");
  return { ...result.manifest, version: "v1" };
}

const main = (changes: object = {}) => ({ name: "main", route_prefix: "/", import_path: "src/app.ts:app", ...changes });
const plan = (...applications: object[]) => planDocument({ applications }, { manifest: compiled(), code: CODE });
const errors = (...applications: object[]) => plan(...applications).diagnostics.filter(({ severity }) => severity === "error");

describe("a document for deployed code", () => {
  it("comes to the code's own options with the document's over them", () => {
    const { applications, diagnostics } = plan(main({ deployments: [{ name: "Model", num_replicas: 3, user_config: { k: 1 } }] }));
    expect(diagnostics).toEqual([]);
    expect(applications?.[0]?.deployments["Model"]).toMatchObject({ maxOngoingRequests: 7, numReplicas: 3, userConfig: { k: 1 } });
  });

  it("names what should run: what it leaves out does not", () => {
    expect(plan(main()).applications?.map(({ name }) => name)).toEqual(["main"]);
  });

  it("may name the same file in another way", () => {
    for (const path of ["app.ts:app", "./src/app.ts:app", "../elsewhere/app.js:app", "src/app:app"]) {
      expect(errors(main({ import_path: path })), path).toEqual([]);
    }
  });

  it.each([
    ["another file", { import_path: "src/new.ts:app" }, "applications[0].import_path"],
    ["another export", { import_path: "src/app.ts:other" }, "applications[0].import_path"],
    ["args", { args: { size: 2 } }, "applications[0].args"],
    ["rpc", { rpc: true }, "applications[0].rpc"],
    ["an application that was not deployed", { name: "more" }, "applications[0].name"],
  ])("may not bring %s", (_, changes, path) => {
    const found = errors(main(changes));
    expect(found.map((one) => one.path)).toEqual([path]);
    expect(found[0]?.message).toContain("To change code, run edge-serve deploy.");
    expect(plan(main(changes)).applications).toBeUndefined();
  });

  it("is told all that is wrong at once, and never throws", () => {
    const found = errors(main({ import_path: "b.ts:app", args: 1 }), { name: "nope", import_path: "b.ts:app", route_prefix: "/b" });
    expect(found.map(({ path }) => path)).toEqual(expect.arrayContaining(["applications[0].import_path", "applications[1].name"]));
    for (const document of [undefined, null, 1, "x", [], {}, { applications: 1 }, { applications: [null] }, { applications: [{}] }]) {
      const { applications, diagnostics } = planDocument(document, { manifest: compiled(), code: CODE });
      expect([applications, diagnostics.some(({ severity }) => severity === "error")], JSON.stringify(document)).toEqual([undefined, true]);
    }
  });

  it.each([{}, { keyed: true } as const])("may not move the objects of a deployment into another jurisdiction: %j", (options) => {
    class Cart {
      call() {}
    }
    const code = { main: deployment(Cart, options).bind() };
    const application = { name: "main", routePrefix: null, importPath: "src/app.ts:app", deployments: [] };
    const described = describeSystem({ applications: [application] }, code) as { readonly manifest: Manifest };
    const manifest = { ...described.manifest, version: "v1" };
    const moved = (placement: object) =>
      planDocument({ applications: [main({ route_prefix: null, deployments: [{ name: "Cart", placement }] })] }, { manifest, code })
        .diagnostics;
    expect(moved({ jurisdiction: "eu" })).toEqual([
      { severity: "error", path: "applications[0]", message: expect.stringMatching(/jurisdiction changes from none to eu, .* deploy/) },
    ]);
    expect(moved({})).toEqual([]);
  });

  it("may not name a deployment that the code does not have", () => {
    expect(errors(main({ deployments: [{ name: "Modle" }] }))[0]?.message).toContain("Modle");
  });
});
