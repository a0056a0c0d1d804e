import { describe, expect, it } from "vitest";
import { deployment } from "../../../src/api/deployment.ts";
import { type DescribedApplication, describeSystem } from "../../../src/compile/manifest.ts";

class Greeter {
  constructor(readonly text: string) {}
  call() {
    return this.text;
  }
}
class Tuned {
  call() {}
  reconfigure() {}
}
class Silent {
  predict() {}
}

const plain: DescribedApplication = { name: "default", routePrefix: "/", deployments: [] };
const greeter = deployment(Greeter).bind("Hello");

function manifestOf(application: Partial<DescribedApplication>, exported: unknown) {
  const result = describeSystem({ applications: [{ ...plain, ...application }] }, { default: exported });
  if ("problems" in result) throw new Error(result.problems.map(({ message }) => message).join("\n"));
  return result.manifest.applications[0]!;
}

function problemsOf(application: Partial<DescribedApplication>, exported: unknown) {
  const result = describeSystem({ applications: [{ ...plain, ...application }] }, { default: exported });
  return "problems" in result ? result.problems : [];
}

describe("describeSystem", () => {
  it("lists every deployment of the graph, and the ingress", () => {
    const tuned = deployment(Tuned, { name: "T" }).bind();
    class Front {
      constructor(readonly tuned: unknown) {}
      call() {}
    }
    const application = manifestOf({}, deployment(Front).bind(tuned as never));
    expect(Object.keys(application.deployments)).toEqual(["T", "Front"]);
    expect(application.ingress).toBe("Front");
  });

  it("lets the config file win over the code, and the code over the application's logging", () => {
    const app = deployment(Tuned, { maxOngoingRequests: 7, numReplicas: 3, logging: { level: "ERROR" }, retries: { attempts: 9 } }).bind();
    const { deployments } = manifestOf(
      {
        logging: { level: "DEBUG", accessLog: false },
        deployments: [{ name: "Tuned", options: { numReplicas: 5, userConfig: { a: 1 }, retries: { onlyIfNotStarted: false } } }],
      },
      app,
    );
    expect(deployments["Tuned"]).toMatchObject({
      maxOngoingRequests: 7,
      numReplicas: 5,
      userConfig: { a: 1 },
      logging: { level: "ERROR", accessLog: false },
      retries: { attempts: 9, onlyIfNotStarted: false },
    });
  });

  it("lets a number of replicas and autoscaling replace each other", () => {
    const fixed = deployment(Tuned, { numReplicas: 3 }).bind();
    const scaled = deployment(Tuned, { autoscaling: { maxReplicas: 4 } }).bind();
    const scale = [{ name: "Tuned", options: { autoscaling: { minReplicas: 2, maxReplicas: 8 } } }];
    expect(manifestOf({ deployments: scale }, fixed).deployments["Tuned"]?.autoscaling).toMatchObject({ minReplicas: 2, maxReplicas: 8 });
    const fix = [{ name: "Tuned", options: { numReplicas: 6 } }];
    expect(manifestOf({ deployments: fix }, scaled).deployments["Tuned"]).toMatchObject({ numReplicas: 6, autoscaling: null });
  });

  it("runs a builder with its args, and keeps them in the manifest", () => {
    const build = ({ text }: { text: string }) => deployment(Greeter, { name: text }).bind(text);
    expect(manifestOf({ args: { text: "Hi" } }, build)).toMatchObject({ args: { text: "Hi" }, ingress: "Hi" });
  });

  it("has no route that nobody has asked for, where its ingress answers no HTTP", () => {
    expect(manifestOf({ isDefaultRoute: true }, deployment(Silent).bind()).routePrefix).toBeNull();
    expect(manifestOf({ isDefaultRoute: true }, greeter).routePrefix).toBe("/");
  });

  it.each<[string, Partial<DescribedApplication>, unknown, string, (string | number)[]]>([
    ["an unbound deployment", {}, deployment(Greeter), 'the deployment "Greeter", which is not bound', ["import_path"]],
    ["a class", {}, Greeter, "Deploy the class with deployment(Greeter).bind().", ["import_path"]],
    [
      "a missing export",
      { importPath: "src/app.ts:ap", exports: ["app"] },
      undefined,
      'no export "src/app.ts:ap", or it is undefined. The module exports: app.',
      ["import_path"],
    ],
    [
      "an async builder",
      {},
      async () => greeter,
      "returned a promise. It must return an Application, as bind() returns it. A builder is not async.",
      ["import_path"],
    ],
    [
      "a builder that throws",
      {},
      () => {
        throw new RangeError("no model");
      },
      "building it threw RangeError: no model",
      ["import_path"],
    ],
    ["args for an application", { args: { a: 1 } }, greeter, "args are given", ["import_path"]],
    [
      "a deployment that is not there",
      { deployments: [{ name: "Greter", options: {} }] },
      greeter,
      'has no deployment "Greter". It has: Greeter. Did you mean "Greeter"?',
      ["deployments", 0, "name"],
    ],
    [
      "an ingress without HTTP",
      {},
      deployment(Silent).bind(),
      "handles no HTTP: class Silent has no method fetch or call",
      ["route_prefix"],
    ],
    [
      "userConfig without reconfigure",
      { deployments: [{ name: "Greeter", options: { userConfig: 1 } }] },
      greeter,
      "class Greeter has no method reconfigure",
      ["deployments", 0],
    ],
    [
      "an override that does not fit the code",
      { deployments: [{ name: "Tuned", options: { autoscaling: { minReplicas: 9 } } }] },
      deployment(Tuned, { autoscaling: { maxReplicas: 4 } }).bind(),
      "autoscaling_config.min_replicas is 9, but max_replicas is 4",
      ["deployments", 0],
    ],
  ])("[M1] reports %s", (...[, application, exported, message, path]) => {
    const [problem, ...rest] = problemsOf(application, exported);
    expect(rest).toEqual([]);
    expect(problem?.message).toContain(message);
    expect(problem?.path).toEqual(["applications", 0, ...path]);
  });

  it("accepts an ingress without HTTP that has no route prefix", () => {
    expect(manifestOf({ routePrefix: null }, deployment(Silent).bind()).routePrefix).toBeNull();
  });

  it("reports two applications with one prefix", () => {
    const result = describeSystem({ applications: [plain, { ...plain, name: "b" }] }, { default: greeter, b: greeter });
    expect(result).toMatchObject({ problems: [{ message: expect.stringContaining('"default" and "b" both have the route prefix "/"') }] });
  });
});
