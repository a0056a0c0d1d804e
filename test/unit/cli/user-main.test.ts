/** How main is read: whether it imports the generated entry, and exports its classes. */
import { rmSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { requireClasses, userMainOf } from "../../../src/cli/project/user-main.ts";

const SPECIFIER = "../.edge-serve/worker.ts";
const IMPORT = `import edge from "${SPECIFIER}";`;
const ALL = `export * from "${SPECIFIER}";`;

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "edge-serve-main-"));
  mkdirSync(join(root, "src"));
});
afterAll(() => rmSync(root, { recursive: true }));

function mainOf(text: string) {
  const file = join(root, "src/index.ts");
  writeFileSync(file, text);
  return userMainOf({ root, wranglerFile: join(root, "wrangler.json") }, { main: "src/index.ts" })!;
}

describe("a main that imports the generated entry", () => {
  it.each([
    ["in double quotes", `${IMPORT}\n${ALL}`],
    ["in single quotes, on several lines", `import edge\n  from '${SPECIFIER}'\nexport\n  * from '${SPECIFIER}'`],
    ["between a path pattern and a comment", `${IMPORT}\nconst ASSETS = "/assets/*";\n${ALL}\n/** What answers. */\nexport default edge;`],
    ["after a pattern in a template", `${IMPORT}\nconst all = \`\${base}/*\`;\n${ALL}\n/* Done. */`],
    ["after a URL", `${IMPORT} const at = "https://example.com"; ${ALL}`],
    ["after an escaped quotation mark", `${IMPORT}\nconst mark = "\\"/*"; ${ALL} /* Done. */`],
    ["between regular expressions with a backtick", `${IMPORT}\ntext.replace(/\`/g, "");\n${ALL}\ntext.replace(/[/\`]/g, "");`],
    ["after a regular expression with slashes", `${IMPORT} const web = /^https?:\\/\\//; ${ALL}`],
    ["with a comment behind it", `${IMPORT} // the applications\n${ALL} /* and their classes */`],
  ])("is seen to, and to export its classes: %s", (_, text) => {
    const main = mainOf(text);
    expect(main.specifier).toBe(SPECIFIER);
    expect(() => requireClasses(main, ["default__Ingress"], root)).not.toThrow();
  });

  it.each([
    ["not at all", IMPORT],
    ["in a comment behind code", `${IMPORT} // ${ALL}`],
    ["in a comment of lines", `${IMPORT}\n/*\n${ALL}\n*/`],
    ["in a text", `${IMPORT}\nconst line = '${ALL}';`],
    ["in a template", `${IMPORT}\nconst lines = \`\n${ALL}\n\`;`],
  ])("is told which line is missing where it exports them %s", (_, text) => {
    const main = mainOf(text);
    expect(() => requireClasses(main, ["default__Ingress"], root)).toThrow(ALL);
  });
});

describe("a main that only mentions the generated entry", () => {
  it.each([
    ["in a comment behind code", `const x = 1; // once: ${IMPORT}`],
    ["in a text", `const help = 'write: ${IMPORT}';`],
    ["in a template", `const help = \`\n${IMPORT}\n\`;`],
    ["as a text of its own", `const entry = "${SPECIFIER}";`],
  ])("is served beside the applications: %s", (_, text) => {
    expect(mainOf(`${text}\nexport default {};`).specifier).toBeUndefined();
  });
});
