import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Application, deploymentsOf, mapApplications } from "../../../src/api/application.ts";
import { deployment } from "../../../src/api/deployment.ts";
import { ConfigError } from "../../../src/protocol/errors.ts";

class Node {
  readonly args: readonly unknown[];
  constructor(...args: unknown[]) {
    this.args = args;
  }
}

const node = (name: string, ...args: unknown[]) => deployment(Node, { name }).bind(...args);
const namesOf = (root: Application) => deploymentsOf(root, "news").map(({ name }) => name);

describe("deploymentsOf", () => {
  it("[A3] gives every deployment after what it was bound to", () => {
    expect(namesOf(node("top", node("left", node("leaf")), node("right")))).toEqual(["leaf", "left", "right", "top"]);
  });

  it("[A1] counts an application that is bound twice once", () => {
    const base = node("base");
    expect(namesOf(node("top", node("left", base), node("right", base), base))).toEqual(["base", "left", "right", "top"]);
  });

  it("looks into plain arrays and objects, however nested", () => {
    const root = node("top", [node("a"), { b: node("b"), list: [[node("c")]] }], { d: { e: node("d") } }, 1, null, "text");
    expect(namesOf(root)).toEqual(["a", "b", "c", "d", "top"]);
  });

  it("does not look into other objects", () => {
    class Holder {
      readonly inner = node("hidden");
    }
    expect(namesOf(node("top", new Holder(), new Map([["a", node("hidden")]])))).toEqual(["top"]);
  });

  it("ends at arguments that hold themselves", () => {
    const config: Record<string, unknown> = { model: node("model") };
    config["self"] = config;
    expect(namesOf(node("top", config))).toEqual(["model", "top"]);
  });

  it("[A2] refuses two different deployments of one name, naming both", () => {
    class Left {
      call() {}
    }
    const right = () => 1;
    const root = node("top", deployment(Left, { name: "same" }).bind(), deployment(right, { name: "same" }).bind());
    expect(() => deploymentsOf(root, "news")).toThrow(
      new ConfigError(
        'Application "news" has two different deployments named "same": class Left and function right. ' +
          "Give one of them another name in its options, or bind it once and use the result twice.",
      ),
    );
  });

  it("[A2] refuses one deployment that is bound twice, because that makes two", () => {
    const model = deployment(Node, { name: "model" });
    expect(() => deploymentsOf(node("top", model.bind(1), model.bind(2)), "news")).toThrow('two different deployments named "model"');
  });

  it("[A2] refuses a deployment that has the name of one below it", () => {
    expect(() => deploymentsOf(node("same", node("middle", node("same"))), "news")).toThrow('two different deployments named "same"');
  });

  it("refuses a cycle and shows it", () => {
    const args: unknown[] = [];
    const first = new Application(deployment(Node, { name: "first" }) as never, args);
    args.push(node("second", node("third", first)));
    expect(() => deploymentsOf(node("top", first), "news")).toThrow(
      'Application "news": deployments are bound in a cycle: first -> second -> third -> first.',
    );
  });

  it("[A1] [A3] holds for every graph without cycles", () => {
    // Node n may be bound to any nodes before it, some several times and some inside an object.
    const graphs = fc
      .integer({ min: 1, max: 12 })
      .chain((count) =>
        fc.tuple(
          ...Array.from({ length: count }, (_, n) =>
            fc.array(fc.record({ to: fc.nat({ max: Math.max(0, n - 1) }), nested: fc.boolean() }), { maxLength: 4 }),
          ),
        ),
      );
    fc.assert(
      fc.property(graphs, (edges) => {
        const nodes: Application[] = [];
        for (const [n, bound] of edges.entries()) {
          const args = n === 0 ? [] : bound.map(({ to, nested }) => (nested ? { list: [nodes[to]] } : nodes[to]));
          nodes.push(node(`n${n}`, ...args));
        }
        const found = deploymentsOf(nodes.at(-1)!, "news");
        expect(new Set(found).size).toBe(found.length);
        for (const [at, application] of found.entries()) {
          mapApplications(application.args, (dependency) => expect(found.indexOf(dependency)).toBeLessThan(at));
        }
        expect(found.at(-1)).toBe(nodes.at(-1));
      }),
    );
  });
});

describe("mapApplications", () => {
  it("replaces applications and leaves what surrounds them as it was", () => {
    const when = new Date();
    const map = new Map();
    const mapped = mapApplications([node("a"), { b: [node("b"), when], keep: map }, "text"], ({ name }) => `handle of ${name}`);
    expect(mapped).toEqual(["handle of a", { b: ["handle of b", when], keep: map }, "text"]);
    expect((mapped[1] as { keep: unknown }).keep).toBe(map);
  });

  it("returns an argument that holds no application as it is", () => {
    const config = { nested: { list: [1, 2] } };
    expect(mapApplications([config], () => "handle")[0]).toBe(config);
  });

  it("does not change the arguments themselves", () => {
    const app = node("a");
    const args = [{ model: app }];
    mapApplications(args, () => "handle");
    expect(args[0]!.model).toBe(app);
  });

  it("replaces an application in an argument that holds itself", () => {
    const config: Record<string, unknown> = { model: node("a") };
    config["self"] = config;
    const [mapped] = mapApplications([config], () => "handle") as [{ model: unknown }];
    expect(mapped.model).toBe("handle");
  });
});
