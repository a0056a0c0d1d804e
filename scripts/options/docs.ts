/**
 * What is said of each option, as an editor shows it: the doc comments of the tables' entries, asked of the compiler.
 */
import { join } from "node:path";
import { API, type Checker, type Type } from "typescript/unstable/sync";
import { acceptedBy, type Option, type OptionTable, withDefaults } from "../../src/api/option-table.ts";
import * as deployment from "../../src/api/options.ts";
import * as batch from "../../src/batching/options.ts";
import * as entry from "../../src/config/deployment-config.ts";
import * as policy from "../../src/config/policy-config.ts";
import * as route from "../../src/config/route-options.ts";
import * as system from "../../src/config/system-options.ts";
import * as multiplexed from "../../src/multiplexing/multiplexed.ts";
import { withCommas } from "./spelling.ts";

/** What the doc comment of an option says. */
export interface OptionDoc {
  /** What the option is: its first paragraph. */
  readonly meaning: string;
  /** The paragraphs after that. */
  readonly more: readonly string[];
  /** What holds where it is left out, in Markdown. */
  readonly byDefault?: string;
}

/** By table and name. */
export type OptionDocs = ReadonlyMap<OptionTable, Readonly<Record<string, OptionDoc>>>;

/** The modules with tables; each exported constant that is called `..._OPTIONS` or `..._ENTRY` is one. */
const MODULES: Readonly<Record<string, object>> = {
  "src/api/options.ts": deployment,
  "src/batching/options.ts": batch,
  "src/config/deployment-config.ts": entry,
  "src/config/policy-config.ts": policy,
  "src/config/route-options.ts": route,
  "src/config/system-options.ts": system,
  "src/multiplexing/multiplexed.ts": multiplexed,
};
const TABLE = /^[A-Z_]+_(OPTIONS|ENTRY)$/;

const ROOT = join(import.meta.dirname, "../..");

/**
 * The docs of all tables.
 *
 * @throws Error naming an option without a doc comment, or whose `@default` or `@accepts` is not what its entry says.
 */
export function readDocs(): OptionDocs {
  const api = new API({ cwd: ROOT });
  try {
    const { program, checker } = api.updateSnapshot({ openProject: join(ROOT, "tsconfig.json") }).getProjects()[0]!;
    const docs = new Map<OptionTable, Readonly<Record<string, OptionDoc>>>();
    for (const [file, module] of Object.entries(MODULES)) {
      const symbol = checker.getSymbolAtLocation(program.getSourceFile(join(ROOT, file))!)!;
      for (const exported of checker.getExportsOfModule(symbol).filter(({ name }) => TABLE.test(name))) {
        const table = (module as Readonly<Record<string, OptionTable>>)[exported.name]!;
        docs.set(table, docsOfTable(`${file} ${exported.name}`, table, checker.getTypeOfSymbol(exported)!, checker));
      }
    }
    return docs;
  } finally {
    api.close();
  }
}

function docsOfTable(where: string, table: OptionTable, type: Type, checker: Checker): Readonly<Record<string, OptionDoc>> {
  const read = checker.getPropertiesOfType(type).map((property) => {
    const { name } = property;
    const [meaning = "", ...more] = checker
      .getDocumentationCommentOfSymbol(property)
      .split(/\n\s*\n/)
      .map((paragraph) => paragraph.replaceAll(/\s+/g, " ").trim());
    if (meaning === "") throw new Error(`${where}: ${name} has no doc comment.`);
    const tags = new Map(checker.getJsDocTagsOfSymbol(property).map((tag) => [tag.name, tag.text]));
    const byDefault = tags.get("default");
    for (const problem of [defaultProblem(table, name, byDefault), acceptedProblem(table[name]!, tags.get("accepts"))]) {
      if (problem !== undefined) throw new Error(`${where}: the doc comment of ${name} must say ${problem}.`);
    }
    return [name, { meaning, more, ...(byDefault === undefined ? {} : { byDefault: asMarkdown(byDefault, table) }) }] as const;
  });
  return Object.fromEntries<OptionDoc>(read);
}

// What an object of options accepts and has by default is said at those.
function defaultProblem(table: OptionTable, name: string, said: string | undefined): string | undefined {
  const expected = shownDefault(table, name);
  if (expected === undefined || (table[name]!.fields !== undefined && said === undefined)) return undefined;
  const plain = said?.replaceAll(/(?<=\d)_(?=\d)/g, "");
  return plain === expected || plain?.startsWith(`${expected}, or `) ? undefined : `@default ${expected}`;
}

function acceptedProblem({ schema }: Option, said: string | undefined): string | undefined {
  const expected = withCommas(acceptedBy(schema));
  return said === undefined || said === expected ? undefined : `@accepts ${expected}`;
}

/** The default of an option as a doc comment shows it, where it has one. */
function shownDefault(table: OptionTable, name: string): string | undefined {
  const { fields, follows, default: byDefault } = table[name]!;
  if (follows !== undefined) return follows;
  if (fields === undefined || byDefault === null) return (byDefault ?? undefined) === undefined ? undefined : JSON.stringify(byDefault);
  const filled = Object.entries(withDefaults(fields)).map(([field, value]) => `${field}: ${JSON.stringify(value)}`);
  return filled.length === 0 ? undefined : `{ ${filled.join(", ")} }`;
}

/** A value, or the name of another option, as code; words as they are. */
function asMarkdown(byDefault: string, table: OptionTable): string {
  const [first = "", ...rest] = byDefault.split(/(?=, or )/);
  const isCode = /^(-?[\d_]+(\.\d+)?|true|false|".*"|\{.*\})$/.test(first) || Object.hasOwn(table, first);
  return (isCode ? `\`${first}\`` : first) + rest.join("");
}
