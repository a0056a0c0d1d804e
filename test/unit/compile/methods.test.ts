import { describe, expect, it } from "vitest";
import { deployment } from "../../../src/api/deployment.ts";
import { describeCode } from "../../../src/compile/describe-code.ts";

function warningsOf(target: abstract new () => object): readonly { readonly message: string }[] {
  const described = { name: "shop", routePrefix: null, deployments: [] };
  const result = describeCode({ applications: [described] }, { shop: deployment(target).bind() }, {});
  expect(result).toHaveProperty("manifest");
  return result.warnings ?? [];
}

/** A class with methods of these names, and a default one. */
function classWith(...names: string[]) {
  class Cart {
    call() {}
  }
  for (const name of names) Object.defineProperty(Cart.prototype, name, { value() {} });
  return Cart;
}

describe("a class whose handle cannot call a method", () => {
  it.each([
    ["then", classWith("add", "then")],
    ["toJSON", classWith("toJSON")],
    ["toJSON", class Cart extends classWith("toJSON") {}],
  ])("gets a warning that names both: %s", (method, target) => {
    expect(warningsOf(target)).toEqual([
      { path: ["applications", 0, "import_path"], message: expect.stringMatching(`"shop".*"Cart".*the method ${method} of Cart`) },
    ]);
  });

  it.each([
    ["names that a handle has itself", classWith("remote", "options", "broadcast", "enqueue")],
    ["names that the runtime calls", classWith("setup", "alarm")],
    [
      "a getter",
      class Cart {
        get toJSON(): never {
          throw new Error("There is no instance.");
        }
      },
    ],
    ["a static method", Object.assign(classWith(), { toJSON() {} })],
  ])("is none that has %s", (_, target) => {
    expect(warningsOf(target)).toEqual([]);
  });

  it("is no function", () => {
    const application = deployment(async function handle() {}).bind();
    const described = { name: "shop", routePrefix: null, deployments: [] };
    expect(describeCode({ applications: [described] }, { shop: application }, {})).not.toHaveProperty("warnings");
  });
});
