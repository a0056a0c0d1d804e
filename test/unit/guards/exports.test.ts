import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import * as index from "../../../src/index.ts";

const INDEX = "src/index.ts";
/** A module that is exported under a name: what it exports has its doc comments. */
const NAMESPACE = /export \* as (\w+) from "([^"]+)";/g;

/** The names that a module of re-exports gives, and the file that each comes from. */
function reExports(file: string): { readonly name: string; readonly from: string }[] {
  const text = readFileSync(file, "utf8").replaceAll(NAMESPACE, "");
  return [...text.matchAll(/export (?:type )?\{([^}]*)\} from "([^"]+)"/g)].flatMap(([, list = "", specifier = ""]) =>
    list
      .split(",")
      .map((entry) => entry.trim().replace(/^type /, ""))
      .filter((name) => name !== "")
      .map((name) => ({ name, from: join(dirname(file), specifier) })),
  );
}

/** Whether the first declaration of `name` follows the end of a doc comment. */
function isDocumented(name: string, file: string): boolean {
  const text = readFileSync(file, "utf8");
  const declaration = new RegExp(
    `export (?:declare )?(?:abstract )?(?:async )?(?:class|function\\*?|const|interface|type) ${name}\\b`,
  ).exec(text);
  return declaration !== null && /\*\/\s*$/.test(text.slice(0, declaration.index));
}

const exported = reExports(INDEX);

describe("edge-serve", () => {
  it("exports what the contract names, and nothing by accident", () => {
    const types = exported.map(({ name }) => name).filter((name) => !(name in index));
    expect({ values: Object.keys(index).toSorted(), types: types.toSorted() }).toMatchSnapshot();
  });

  it("re-exports only, so that every name has one home", () => {
    const text = readFileSync(INDEX, "utf8").replaceAll(/\/\*[\s\S]*?\*\//g, "");
    expect(
      text
        .replaceAll(NAMESPACE, "")
        .replaceAll(/export (?:type )?\{[^}]*\} from "[^"]+";/g, "")
        .trim(),
    ).toBe("");
    expect(exported.map(({ name }) => name).toSorted()).toEqual([...new Set(exported.map(({ name }) => name))].toSorted());
  });

  it.each(exported.map(({ name, from }) => [name, from] as const))("documents %s in %s", (name, from) => {
    expect(isDocumented(name, from), `${name} needs a doc comment in ${from}`).toBe(true);
  });
});
