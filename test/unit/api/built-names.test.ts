/**
 * The names that a Worker gives its deployments, whatever a bundler has left of the names in the code.
 */
import { build } from "esbuild";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type AnyApplication, deploymentsOf } from "../../../src/api/application.ts";
import { boundAsBuilt } from "../../../src/api/built-names.ts";
import { deployment } from "../../../src/api/deployment.ts";
import { describeSystem } from "../../../src/compile/manifest.ts";
import { ERROR_CLASSES } from "../../../src/protocol/errors.ts";
import type { Manifest } from "../../../src/protocol/manifest.ts";

type Class = new (...args: unknown[]) => object;

/** A class of that name, which may be taken from it. */
function classOf(name: string): Class {
  const target = class {
    readonly args: readonly unknown[];
    constructor(...args: unknown[]) {
      this.args = args;
    }
    call() {}
  };
  return renamed(target, name);
}

function renamed(target: Class, name: string): Class {
  return Object.defineProperty(target, "name", { value: name, configurable: true });
}

/** One deployment: by its class, or by its options. */
interface Planned {
  readonly name: string;
  readonly isGiven: boolean;
  /** What is left of the class's name; may be nothing, and that of another. */
  readonly left: string;
  /** Which of those before it are bound to it, by chance. */
  readonly children: readonly number[];
}

const plans: fc.Arbitrary<readonly Planned[]> = fc.uniqueArray(
  fc.record({
    name: fc.stringMatching(/^[A-Za-z][A-Za-z0-9_-]{0,5}$/),
    isGiven: fc.boolean(),
    left: fc.constantFrom("", "a", "e", "$", "e$", "constructor"),
    children: fc.array(fc.nat(), { maxLength: 4 }),
  }),
  { selector: ({ name }) => name, minLength: 1, maxLength: 9 },
);

/** The application of a plan, whose last deployment is bound to all that nothing else is bound to. */
function applicationOf(planned: readonly Planned[]): { root: AnyApplication; all: AnyApplication[]; minify: () => void } {
  const all: AnyApplication[] = [];
  const classes = planned.map(({ name, isGiven }) => classOf(isGiven ? "Model" : name));
  for (const [index, { name, isGiven, children }] of planned.entries()) {
    const isLast = index === planned.length - 1;
    const bound = isLast ? all : index === 0 ? [] : children.map((child) => all[child % index]!);
    all.push(deployment(classes[index]!, isGiven ? { name } : {}).bind(...(bound as never[])) as AnyApplication);
  }
  const minify = () => planned.forEach(({ left }, index) => renamed(classes[index]!, left));
  return { root: all.at(-1)!, all, minify };
}

function manifestOf(code: Readonly<Record<string, unknown>>): Manifest {
  const applications = Object.keys(code).map((name) => ({ name, routePrefix: null, deployments: [] }));
  const result = describeSystem({ applications }, code);
  if ("problems" in result) throw new Error(result.problems.map(({ message }) => message).join("\n"));
  // As it is in the entry module.
  return { ...(JSON.parse(JSON.stringify(result.manifest)) as Manifest), version: "v" };
}

describe("[B1] the deployments of the code that was built", () => {
  it("have the names that were built, whatever is left of those of their classes", () => {
    fc.assert(
      fc.property(plans, (planned) => {
        const { root, all, minify } = applicationOf(planned);
        const manifest = manifestOf({ shop: root });
        const names = new Map(deploymentsOf(root, "shop").map((application) => [application, application.name]));
        minify();
        const bound = boundAsBuilt(manifest, { shop: root }, false);
        expect(bound.size).toBe(names.size);
        for (const application of all) {
          expect(bound.get(`shop/${names.get(application)}`)).toBe(application);
          expect(application.name).toBe(names.get(application));
        }
      }),
    );
  });

  it("describe themselves by these, whichever application binds their classes anew", () => {
    const [front, model] = [classOf("Front"), classOf("Model")];
    const builder = () => deployment(front).bind(deployment(model, { numReplicas: 2 }).options({ maxOngoingRequests: 3 }).bind() as never);
    const code = { shop: builder, news: deployment(model).bind() };
    const manifest = manifestOf(code);
    for (const target of [front, model]) renamed(target, "e");
    expect(() => manifestOf(code)).toThrow('has two different deployments named "e": class e and class e.');
    expect([...boundAsBuilt(manifest, code, false).keys()]).toEqual(["shop/Model", "shop/Front", "news/Model"]);
    expect(manifestOf(code)).toEqual(manifest);
    expect(deployment(model).describeTarget()).toBe("class Model");
  });
});

const named = (name: string, ...bound: AnyApplication[]) => deployment(classOf("Any"), { name }).bind(...(bound as never[]));
const unnamed = (name: string, ...bound: AnyApplication[]) => deployment(classOf(name)).bind(...(bound as never[]));
const shared = classOf("Shared");

interface Change {
  readonly what: string;
  readonly before: () => AnyApplication;
  readonly after: () => AnyApplication;
  /** What is said to have changed where classes have their names, and where they have not; nothing that could be seen is `null`. */
  readonly said: readonly [string, string | null];
}

const CHANGES: readonly Change[] = [
  {
    what: "a name in options is another",
    before: () => named("a", named("b")),
    after: () => named("a", named("c")),
    said: ["shop/c, shop/b", "shop/c"],
  },
  {
    what: "a deployment is new",
    before: () => unnamed("A"),
    after: () => unnamed("A", unnamed("B")),
    said: ["shop/B", "shop (deployments named for their classes: 2, in the build: 1)"],
  },
  {
    what: "a deployment is gone",
    before: () => unnamed("A", unnamed("B")),
    after: () => unnamed("A"),
    said: ["shop/B", "shop (deployments named for their classes: 1, in the build: 2)"],
  },
  {
    what: "a name has come into options",
    before: () => unnamed("A", unnamed("B")),
    after: () => unnamed("A", named("b")),
    said: ["shop/b, shop/B", "shop/b"],
  },
  {
    what: "a name has gone from options",
    before: () => unnamed("A", named("b")),
    after: () => unnamed("A", unnamed("B")),
    said: ["shop/B, shop/b", null],
  },
  { what: "a class has another name", before: () => unnamed("A"), after: () => unnamed("B"), said: ["shop/B, shop/A", null] },
  {
    what: "a name in options is there twice",
    before: () => named("a", named("b"), named("c")),
    after: () => named("a", named("b"), named("b")),
    said: ['two different deployments named "b"', "shop/b"],
  },
  {
    what: "a class is bound twice",
    before: () => unnamed("A", unnamed("B"), unnamed("C")),
    after: () => unnamed("A", deployment(shared).bind(), deployment(shared).bind()),
    said: ['two different deployments named "Shared"', "shop/C"],
  },
];

describe("[B2] other code than what was built", () => {
  it.each(CHANGES)("is refused as far as it can be seen: $what", ({ before, after, said: [withNames, withoutNames] }) => {
    const manifest = manifestOf({ shop: before() });
    const bind = (areKept: boolean) => () => boundAsBuilt(manifest, { shop: after() }, areKept);
    expect(bind(true)).toThrow(withNames);
    if (withoutNames === null) expect(bind(false)).not.toThrow();
    else
      expect(bind(false)).toThrow(
        `What the applications declare has changed since the build: ${withoutNames}. Run edge-serve build again.`,
      );
  });
});

const OWN_NAMES = `
  import { NAMES_ARE_KEPT } from "./src/api/target-names.ts";
  import { deployment } from "./src/api/deployment.ts";
  import { ERROR_CLASSES } from "./src/protocol/errors.ts";
  class Own extends ERROR_CLASSES.KEY {}
  export const areKept = NAMES_ARE_KEPT;
  export const errors = Object.values(ERROR_CLASSES).map((ErrorClass) => new ErrorClass("why").name);
  export const own = new Own("why").name;
  export const build = () => [deployment(class Hello { call() {} }).bind(), deployment(class $ { call() {} }, { name: "money" }).bind()];
`;

describe("a bundle", () => {
  it.each([
    { minify: false, keepNames: true, areKept: true },
    { minify: true, keepNames: true, areKept: true },
    { minify: false, keepNames: false, areKept: false },
    { minify: true, keepNames: false, areKept: false },
  ])(
    "with minify: $minify, keepNames: $keepNames knows whether it has its names, and its errors have theirs",
    async ({ areKept, ...given }) => {
      const stdin = { contents: OWN_NAMES, resolveDir: process.cwd(), loader: "ts" as const };
      const { outputFiles } = await build({ stdin, bundle: true, write: false, format: "esm", target: "es2024", ...given });
      const bundled = (await import(`data:text/javascript,${encodeURIComponent(outputFiles[0]!.text)}`)) as {
        areKept: boolean;
        errors: string[];
        own: string;
        build(): { name: string }[];
      };
      expect(bundled.areKept).toBe(areKept);
      expect(bundled.errors).toEqual(Object.values(ERROR_CLASSES).map((ErrorClass) => new ErrorClass("why").name));
      expect(bundled.errors).toContain("BackPressureError");
      expect(bundled.build().map(({ name }) => name)).toEqual([given.minify && !areKept ? "" : "Hello", "money"]);
      if (areKept) expect(bundled.own).toBe("Own");
    },
  );
});
