/** How main is read: whether it imports the generated entry, and exports its classes. */
import { rmSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mainWarnings, requireExports, userMainOf } from "../../../src/cli/project/user-main.ts";

const SPECIFIER = "../.edge-serve/worker.ts";
const IMPORT = `import edge from "${SPECIFIER}"; export default edge;`;
const ALL = `export * from "${SPECIFIER}";`;

const CONFIG = { complete: { main: "src/index.ts" }, users: {}, label: "wrangler.json" };

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "edge-serve-main-"));
  mkdirSync(join(root, "src"));
  writeFileSync(join(root, "src/mine.ts"), "export class EdgeServe {}\nexport class Room {}");
  mkdirSync(join(root, "node_modules/rooms"), { recursive: true });
  writeFileSync(join(root, "node_modules/rooms/index.js"), 'export * from "./rooms.js";');
  writeFileSync(join(root, "node_modules/rooms/rooms.js"), "export class EdgeServe {}");
  writeFileSync(join(root, "src/make.cjs"), "exports.make = () => ({});");
  writeFileSync(join(root, "src/all.ts"), 'export * from "./mine.ts";');
});
afterAll(() => rmSync(root, { recursive: true }));

function mainOf(text: string) {
  const file = join(root, "src/index.ts");
  writeFileSync(file, text);
  return userMainOf({ root, wranglerFile: join(root, "wrangler.json") }, CONFIG);
}

/** Fails unless a main exports a generated class, and hides none. */
async function check(text: string) {
  const main = await mainOf(text);
  await requireExports(main!, { needed: ["default__Ingress"], all: ["default__Ingress", "EdgeServe"] }, root, CONFIG);
}

describe("a main that imports the generated entry", () => {
  it.each([
    ["in double quotes", `${IMPORT}\n${ALL}`],
    ["in single quotes, on several lines", `import edge\n  from '${SPECIFIER}'\nexport\n  * from '${SPECIFIER}'\nexport default edge;`],
    ["between a path pattern and a comment", `${IMPORT}\nconst ASSETS = "/assets/*";\n${ALL}\n/** What answers. */\nexport class Mine {}`],
    ["after a pattern in a template", `${IMPORT}\nconst all = \`\${base}/*\`;\n${ALL}\n/* Done. */`],
    ["after a URL", `${IMPORT} const at = "https://example.com"; ${ALL}`],
    ["after an escaped quotation mark", `${IMPORT}\nconst mark = "\\"/*"; ${ALL} /* Done. */`],
    ["between regular expressions with a backtick", `${IMPORT}\ntext.replace(/\`/g, "");\n${ALL}\ntext.replace(/[/\`]/g, "");`],
    ["after a regular expression with slashes", `${IMPORT} const web = /^https?:\\/\\//; ${ALL}`],
    ["with a comment behind it", `${IMPORT} // the applications\n${ALL} /* and their classes */`],
    ["without the ending", `import edge from "../.edge-serve/worker"; export default edge; ${ALL}`],
  ])("is seen to, and to export its classes: %s", async (_, text) => {
    expect((await mainOf(text))?.specifiers).not.toEqual([]);
    await check(text);
  });

  it.each([
    ["not at all", IMPORT],
    ["in a comment behind code", `${IMPORT} // ${ALL}`],
    ["in a comment of lines", `${IMPORT}\n/*\n${ALL}\n*/`],
    ["in a text", `${IMPORT}\nconst line = '${ALL}';`],
    ["in a template", `${IMPORT}\nconst lines = \`\n${ALL}\n\`;`],
  ])("is told which line is missing where it exports them %s", async (_, text) => {
    await expect(check(text)).rejects.toThrow(ALL);
  });
});

describe("what a main exports beside the classes of the entry", () => {
  const ENTRY_TOO = `${IMPORT}\n${ALL}\n`;
  const beside = "export default {};\n";

  it.each([
    ["a class", "EdgeServe", `${ENTRY_TOO}export class EdgeServe {}`],
    ["a constant", "EdgeServe", `${ENTRY_TOO}export const EdgeServe = class {};`],
    ["a list", "EdgeServe", `${ENTRY_TOO}class Mine {}\nexport { Mine as EdgeServe };`],
    ["a pattern", "EdgeServe", `${ENTRY_TOO}export const { EdgeServe } = { EdgeServe: class {} };`],
    ["an enumeration", "EdgeServe", `${ENTRY_TOO}export enum EdgeServe { A }`],
    ["of another module", "EdgeServe", `${ENTRY_TOO}export { EdgeServe } from "./mine.ts";`],
    ["all of another module", "EdgeServe", `${ENTRY_TOO}export * from "./mine.ts";`],
    ["all of a module that has all of another", "EdgeServe", `${ENTRY_TOO}export * from "./all.ts";`],
    [
      "without the rest of the entry",
      "EdgeServe",
      `${IMPORT}\nexport { default__Ingress } from "${SPECIFIER}";\nexport * from "./all.ts";`,
    ],
    ["a deployment's class", "default__Ingress", `${ENTRY_TOO}export class default__Ingress {}`],
    ["all of a package", "EdgeServe", `${ENTRY_TOO}export * from "rooms";`],
    ["served beside the applications", "EdgeServe", `${beside}export * from "./all.ts";`],
  ])("must not hide one of them: %s", async (_, name, text) => {
    await expect(check(text)).rejects.toThrow(`src/index.ts exports ${name}, which is also the `);
  });

  it("is told whose class it is", async () => {
    const main = await mainOf(`${ENTRY_TOO}export class EdgeServeController {}`);
    const names = { needed: [], all: ["EdgeServeController", "shop__Cart"] };
    await expect(requireExports(main!, names, root, CONFIG)).rejects.toThrow(/a class that edge-serve generates\. Rename yours\.$/);
    const other = await mainOf(`${ENTRY_TOO}export class shop__Cart {}`);
    await expect(requireExports(other!, names, root, CONFIG)).rejects.toThrow("shop/Cart. Rename yours, or the deployment.");
  });

  it.each([
    [
      "a class that extends the generated one",
      `import { default__Ingress as I } from "${SPECIFIER}"; export class default__Ingress extends I {}`,
    ],
    ["what is made from it", `import { default__Ingress as I } from "${SPECIFIER}"; export const default__Ingress = wrap(I);`],
    [
      "what is made from the namespace",
      `import * as all from "${SPECIFIER}"; export class default__Ingress extends all.default__Ingress {}`,
    ],
    ["it once more", `export { EdgeServe } from "${SPECIFIER}";`],
    ["classes of its own, from elsewhere", 'export { Room } from "./all.ts";'],
    [
      "what a package or the platform has",
      'import { Room } from "rooms"; export * from "node:assert"; export const room = () => new Room();',
    ],
    ["a type by its name", "export interface EdgeServe { readonly a: 1 }"],
    ["it in a comment", "// export class EdgeServe {}"],
  ])("may be %s", async (_, line) => {
    await check(`${ENTRY_TOO}${line}`);
  });
});

describe("a main that is no Worker", () => {
  const IMPORTED = `import edge from "${SPECIFIER}";\n${ALL}\n`;

  it.each([
    [
      "that exports nothing",
      'addEventListener("fetch", () => {});',
      "src/index.ts is main of wrangler's configuration, and exports nothing",
    ],
    ["that imports the entry and exports nothing by default", ALL, `export { default } from "${SPECIFIER.replaceAll(".", "\\.")}";`],
    [
      "that takes a class which the entry does not have",
      `${IMPORT}\nimport { old__Ingress } from "${SPECIFIER}"; console.log(old__Ingress); ${ALL}`,
      "old__Ingress",
    ],
    [
      "that is a function",
      `${IMPORTED}export default async function handle(r: Request) { return edge.fetch(r); }`,
      "a function.*{ fetch: handle }",
    ],
    [
      "that is a function without a name",
      `${IMPORTED}export default async (r: Request) => edge.fetch(r);`,
      "a function.*fetch\\(request, env, ctx\\)",
    ],
    [
      "that is a function elsewhere",
      `${IMPORTED}const $app = (r: Request) => edge.fetch(r);\nexport { $app as default };`,
      "a function.*{ fetch: \\$app }",
    ],
    ["that is a class of no kind", `${IMPORTED}export default class Mine { fetch = edge.fetch; }`, "class Mine extends WorkerEntrypoint"],
    ["with an error in it", "export default {\n  fetch( { };\n", "src/index.ts:2:"],
  ])("says what is wrong: one %s", async (_, text, says) => {
    await expect(check(text)).rejects.toThrow(new RegExp(says));
  });

  it.each([
    [
      "a class that extends another",
      "import { WorkerEntrypoint } from 'cloudflare:workers'; export default class extends WorkerEntrypoint {}",
    ],
    ["what a function makes", "const make = () => ({}); export default make();"],
    ["an object with functions", "const handle = () => {}; export default { fetch: handle };"],
    [
      "what a function of another kind of module makes",
      'import { make } from "./make.cjs"; export default make((a) => a, { b: (c) => c });',
    ],
    ["a function in parentheses that is called", "export default (() => ({}))();"],
  ])("is none whose default export is %s", async (_, text) => {
    await check(text);
  });

  it("is told of where it exports nothing by default, beside the applications", async () => {
    const warningsOf = async (text: string) => mainWarnings((await mainOf(text))!, root);
    expect(await warningsOf("export class Room {}")).toEqual([
      expect.stringMatching(/src\/index\.ts has no default export.*export default \{\}/),
    ]);
    for (const text of ["export default {};", "module.exports = { fetch() {} };", `export { default } from "${SPECIFIER}";`])
      expect(await warningsOf(text)).toEqual([]);
  });
});

it("a main is read in a folder that a link leads to", async () => {
  const link = `${root}-link`;
  symlinkSync(root, link);
  try {
    writeFileSync(join(root, "src/index.ts"), `${IMPORT}\n${ALL}`);
    const main = await userMainOf({ root: link, wranglerFile: join(link, "wrangler.json") }, CONFIG);
    expect(main).toMatchObject({ specifiers: [SPECIFIER], inputs: [join(link, "src/index.ts")] });
  } finally {
    rmSync(link);
  }
});

describe("a main that only mentions the generated entry", () => {
  it.each([
    ["in a comment behind code", `const x = 1; // once: ${IMPORT}`],
    ["in a text", `const help = 'write: ${IMPORT}';`],
    ["in a template", `const help = \`\n${IMPORT}\n\`;`],
    ["as a text of its own", `const entry = "${SPECIFIER}";`],
    ["by an import of types", `import type edge from "${SPECIFIER}"; export type Edge = typeof edge;`],
    ["by an import that nothing uses", `import edge from "${SPECIFIER}";`],
  ])("is served beside the applications: %s", async (_, text) => {
    expect((await mainOf(`${text}\nexport default {};`))?.specifiers).toEqual([]);
  });
});
