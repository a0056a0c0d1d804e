/**
 * How numbers and names are written for readers, in the words of code and of a config file.
 */
import { keyOf, type OptionTable } from "../../src/api/option-table.ts";

/** A text in Markdown, with the options that it names in code spelled as in a config file, and its times in seconds. */
export function inFileSpelling(text: string, tables: readonly OptionTable[]): string {
  const keys = new Map<string, string>();
  const collect = (table: OptionTable): void => {
    for (const [name, option] of Object.entries(table)) {
      if (!keys.has(name)) keys.set(name, keyOf(name, option));
      if (option.fields !== undefined) collect(option.fields);
    }
  };
  for (const table of tables) collect(table);
  const spelled = text.replaceAll(/`[^`]*`/g, (code) => code.replaceAll(/[A-Za-z]+/g, (word) => keys.get(word) ?? word));
  return spelled.replaceAll("in milliseconds", "in seconds");
}

/** Numbers in groups of three digits. */
export function withCommas(text: string): string {
  return text.replaceAll(/(?<![\d.])\d{4,}/g, (digits) => Number(digits).toLocaleString("en"));
}
