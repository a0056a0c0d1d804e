/**
 * The fenced code blocks of a Markdown file, and what each says about itself in its info string.
 *
 * CONTRIBUTING.md describes the convention. A block that says nothing is a problem, not an exception.
 */
import { readFileSync } from "node:fs";

/** What is done with a block. */
export type Use = "file" | "check" | "generated" | "serve" | "operate" | "run" | "commands" | "paths";

/** One fenced block. */
export interface Block {
  /** For test names: `README.md:12`. */
  readonly place: string;
  readonly language: string;
  /** What its info string says: the words after the language, `key=value` or a bare `key`. */
  readonly says: ReadonlyMap<string, string>;
  readonly text: string;
}

/** A command of a `console` block, with the output that the page shows below it. */
export interface Step {
  readonly command: string;
  readonly output: string;
}

const FENCE = /^( *)(`{3,}|~{3,})\s*(.*)$/;

/** Every fenced block of a file, in order. */
export function blocksOf(file: string): Block[] {
  const blocks: Block[] = [];
  const lines = readFileSync(file, "utf8").split("\n");
  for (let index = 0; index < lines.length; index++) {
    const opened = FENCE.exec(lines[index]!);
    if (opened === null) continue;
    const [, indent = "", fence = "", info = ""] = opened;
    const start = index + 1;
    do index++;
    while (index < lines.length && lines[index]!.trim() !== fence);
    const [language = "", ...words] = info.split(/\s+/);
    const says = new Map(words.map((word) => [word.split("=")[0]!, word.slice(word.indexOf("=") + 1)]));
    const body = lines.slice(start, index).map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line));
    blocks.push({ place: `${file}:${start}`, language, says, text: `${body.join("\n")}\n` });
  }
  return blocks;
}

const USES: Readonly<Record<string, readonly Use[]>> = {
  ts: ["file", "check", "generated"],
  json: ["file", "generated"],
  yaml: ["file"],
  console: ["serve", "operate", "run"],
  text: ["paths"],
};

/** What is done with a block; `undefined` if its info string says nothing that is known. */
export function useOf({ language, says }: Block): Use | undefined {
  if (language === "sh") return "commands";
  return USES[language]?.find((use) => says.has(use));
}

/** The commands of a `console` block: lines that begin with `$ `, each with what is printed after it. */
export function stepsOf({ text }: Block): Step[] {
  return text
    .split(/^\$ /m)
    .slice(1)
    .map((step) => {
      const command = /^(?:.*\\\n)*.*/.exec(step)![0];
      return { command: command.replaceAll("\\\n", " "), output: step.slice(command.length).trim() };
    });
}
