/**
 * Writes what is made of the tables of options: `schema/serve.schema.json` and `docs/options.md`. A test compares both with the tables.
 */
import { writeFileSync } from "node:fs";
import { configSchema } from "./config-schema.ts";
import { readDocs } from "./docs.ts";
import { optionsPage } from "./page.ts";

/** The files that are made, relative to the repository, with what they hold. */
export function generatedFiles(): Readonly<Record<string, string>> {
  const docs = readDocs();
  return {
    "schema/serve.schema.json": `${JSON.stringify(configSchema(docs), null, 2)}\n`,
    "docs/options.md": optionsPage(docs),
  };
}

if (import.meta.main) {
  for (const [file, text] of Object.entries(generatedFiles())) writeFileSync(new URL(`../../${file}`, import.meta.url), text);
}
