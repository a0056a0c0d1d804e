import { describe, expect, it } from "vitest";
import { deploymentsOf } from "../../../src/api/application.ts";
import { deployment } from "../../../src/api/deployment.ts";
import * as serve from "../../../src/index.ts";
import { ConfigError } from "../../../src/protocol/errors.ts";

class Leaf {
  call() {}
}
class Top {
  constructor(readonly _given?: unknown) {}
  call() {}
}
const leaf = deployment(Leaf);
const bind = deployment(Top).bind as (...args: unknown[]) => unknown;
const circular: { self?: unknown; leaf: unknown } = { leaf };
circular.self = circular;

describe("a deployment that is bound, but was not bound itself", () => {
  it.each<[string, unknown[], string]>([
    ["as an argument", [leaf], "argument 1 of bind() is "],
    ["as a later argument", ["a", leaf], "argument 2 of bind() is "],
    ["in an array", [[leaf.bind(), leaf]], "argument 1 of bind() holds at [1] "],
    ["in an object", [{ models: { small: leaf } }], "argument 1 of bind() holds at .models.small "],
    ["behind a key that is no name", [{ "a-b": [leaf] }], 'argument 1 of bind() holds at ["a-b"][0] '],
    ["in an object without a prototype", [Object.assign(Object.create(null), { leaf })], "argument 1 of bind() holds at .leaf "],
    ["in what is circular", [circular], "argument 1 of bind() holds at .leaf "],
  ])("is refused where it is bound: %s", (_, args, where) => {
    const refusal = new ConfigError(`Deployment "Top": ${where}the deployment "Leaf", which is not bound. Call .bind() on it.`);
    expect(() => bind.apply(deployment(Top), args)).toThrow(refusal);
  });

  it("costs time by the objects that there are, not by the ways to them", () => {
    let shared: unknown = leaf.bind();
    for (let depth = 0; depth < 60; depth++) shared = { a: shared, b: [shared, shared] };
    const app = bind.call(deployment(Top), shared) as serve.Application;
    expect(deploymentsOf(app, "default").map(({ name }) => name)).toEqual(["Leaf", "Top"]);
  });
});

describe("what a user of Ray Serve types first", () => {
  const context = { kind: "class", name: "Leaf", addInitializer() {}, metadata: {} };
  it.each<[string, () => unknown, RegExp]>([
    [
      "@serve.deployment",
      () => deployment(Leaf, context as never),
      /is not a decorator: call it with the class, as in .*deployment\(Leaf\)/,
    ],
    ["@serve.deployment on a method", () => deployment((() => 1) as never, { ...context, kind: "method" } as never), /is not a decorator/],
    ["@serve.deployment({ ... })", () => deployment({ numReplicas: 2 } as never), /is not a decorator/],
    ["@serve.deployment()", () => deployment(undefined as never), /takes a class or a function, got a value of type undefined/],
    ["num_replicas", () => deployment(Leaf, { num_replicas: 2 } as never), /Did you mean numReplicas\?/],
    ["serve.run", () => (serve.run as (app: unknown) => unknown)(leaf.bind()), /edge-serve run /],
    ["serve.start", () => (serve.start as (options: unknown) => unknown)({}), /edge-serve run /],
    ["serve.shutdown", () => (serve.shutdown as (options: unknown) => unknown)({}), /edge-serve delete /],
    ["serve.status", () => (serve.status as (options: unknown) => unknown)({}), /edge-serve status/],
  ])("%s is answered with what to do here", (_, act, sentence) => {
    expect(act).toThrow(ConfigError);
    expect(act).toThrow(sentence);
  });
});
