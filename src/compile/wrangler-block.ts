/**
 * Keeps the generated part of `wrangler.toml` in step.
 *
 * Owns: two marked regions. One declares the Durable Object classes, at the end of the file; one supplies top-level
 * settings that the file lacks, before its first table.
 * Does not own: the rest of the file. Files are read and written elsewhere.
 *
 * Invariants:
 *   W1. Every byte outside the regions stays as it is.
 *   W2. Applied to its own result with the same classes, it changes nothing.
 *   W3. The result is valid TOML and declares exactly the classes wanted, besides the user's own.
 *   W4. A class that is gone stays declared, with its data, until it is pruned; then it is a tombstone.
 */
import { parse, TomlError } from "smol-toml";
import { ConfigError } from "../protocol/errors.ts";
import { tomlLines, type TomlLine } from "./toml-lines.ts";
import { conflicts, strayLines, warnings } from "./wrangler-conflicts.ts";
import { classRegion, freshFile, headRegion, MARKS, type Region, type WantedBlock } from "./wrangler-regions.ts";

export type { WantedBlock } from "./wrangler-regions.ts";

/** What happened to the classes. */
export interface BlockReport {
  readonly added: readonly string[];
  /** Gone from the application, still declared. */
  readonly retired: readonly string[];
  /** Tombstones; the next deploy deletes the class and its objects' data. */
  readonly deleted: readonly string[];
  readonly warnings: readonly string[];
}

/** The file's new text, or everything that keeps it from being written. */
export type BlockUpdate = { readonly text: string; readonly report: BlockReport } | { readonly problems: readonly string[] };

/** Brings `text` in step with what is wanted; `undefined` for a file that does not exist yet. */
export function updateWranglerToml(text: string | undefined, wanted: WantedBlock): BlockUpdate {
  if (text === undefined) {
    const fresh = freshFile(wanted.workerName, wanted, classRegion({ live: wanted.classes, retired: [], deleted: [] }));
    return { text: fresh, report: { added: wanted.classes, retired: [], deleted: [], warnings: [] } };
  }
  const parsed = parseToml(text, wanted.file);
  if (typeof parsed === "string") return { problems: [parsed] };
  const lines = tomlLines(text);
  const stray = [...markProblems(lines, text), ...strayLines(lines, text)];
  if (stray.length > 0) return { problems: stray.map(({ line, problem }) => `${wanted.file}:${line}: ${problem}`) };
  return rewrite(text, lines, wanted);
}

function rewrite(text: string, lines: readonly TomlLine[], wanted: WantedBlock): BlockUpdate {
  const regions = findRegions(text, lines);
  const rest = removeRegions(text, regions);
  const user = parseToml(rest.text, wanted.file);
  // Without the regions: a value that stood after one may have moved into another table. `strayLines` refuses those.
  if (typeof user === "string") return { problems: [user] };
  const before = previousClasses(text, regions);
  const found = conflicts({ user, lines, regions, wanted });
  if (found.length > 0) return { problems: found.map(({ line, problem }) => `${wanted.file}:${line}: ${problem}`) };

  const own = Object.keys((user["exports"] as object | undefined) ?? {});
  const gone = before.kept.filter((name) => !wanted.classes.includes(name) && !own.includes(name));
  const tombstones = before.deleted.filter((name) => !wanted.classes.includes(name) && !own.includes(name));
  const deleted = wanted.prune ? [...tombstones, ...gone] : tombstones;
  const retired = wanted.prune ? [] : gone;
  const eol = text.includes("\r\n") ? "\r\n" : "\n";
  const settle = (region: string) => region.replaceAll("\n", eol);
  const withClasses = insertClasses(rest, settle(classRegion({ live: wanted.classes, retired, deleted })), eol);
  const result = insertHead(withClasses, settle(headRegion(wanted, user)), eol);
  check(result, wanted, retired);
  const added = wanted.classes.filter((name) => !before.kept.includes(name));
  return { text: result, report: { added, retired, deleted, warnings: warnings({ user, lines, wanted }) } };
}

function findRegions(text: string, lines: readonly TomlLine[]): Region[] {
  const rows = text.split("\n");
  const regions: Region[] = [];
  for (const kind of ["head", "classes"] as const) {
    const [first] = markLines(lines, rows, MARKS[kind].open);
    const [last] = markLines(lines, rows, MARKS[kind].close);
    if (first !== undefined && last !== undefined) regions.push({ kind, firstLine: first, lastLine: last });
  }
  return regions;
}

function markLines(lines: readonly TomlLine[], rows: readonly string[], mark: string): number[] {
  return lines
    .filter(({ kind, firstLine }) => kind === "comment" && rows[firstLine - 1]!.trim().startsWith(mark))
    .map(({ firstLine }) => firstLine);
}

function markProblems(lines: readonly TomlLine[], text: string): { line: number; problem: string }[] {
  const rows = text.split("\n");
  return (["head", "classes"] as const).flatMap((kind) => {
    const [opens, closes] = [markLines(lines, rows, MARKS[kind].open), markLines(lines, rows, MARKS[kind].close)];
    if (opens.length === 0 && closes.length === 0) return [];
    if (opens.length === 1 && closes.length === 1 && opens[0]! < closes[0]!) return [];
    const line = opens[1] ?? closes[1] ?? opens[0] ?? closes[0]!;
    const problem =
      `The marks ${MARKS[kind].open} and ${MARKS[kind].close} must stand once each, in this order. ` +
      "Remove both with what is between them; edge-serve build writes it anew.";
    return [{ line, problem }];
  });
}

interface Rest {
  readonly text: string;
  /** Where the regions were, in `text`; -1 for one that was not there. */
  readonly headAt: number;
  readonly classesAt: number;
}

function removeRegions(text: string, regions: readonly Region[]): Rest {
  const rows = text.split(/(?<=\n)/);
  const at = { head: -1, classes: -1 };
  let kept = "";
  let line = 1;
  for (const region of regions.toSorted((a, b) => a.firstLine - b.firstLine)) {
    kept += rows.slice(line - 1, region.firstLine - 1).join("");
    at[region.kind] = kept.length;
    line = region.lastLine + 1;
  }
  kept += rows.slice(line - 1).join("");
  return { text: kept, headAt: at.head, classesAt: at.classes };
}

function insertClasses({ text, headAt, classesAt }: Rest, region: string, eol: string): Rest {
  if (classesAt >= 0) {
    const shifted = headAt > classesAt ? headAt + region.length : headAt;
    return { text: text.slice(0, classesAt) + region + text.slice(classesAt), headAt: shifted, classesAt };
  }
  // Blank lines before the first region of a file are part of what is added, once.
  const gap = text === "" || /(\r?\n){2}$/.test(text) ? "" : text.endsWith("\n") ? eol : eol + eol;
  return { text: text + gap + region, headAt, classesAt: text.length + gap.length };
}

function insertHead({ text, headAt, classesAt }: Rest, region: string, eol: string): string {
  if (region === "") return text;
  const firstTable = tomlLines(text).find(({ kind }) => kind === "table" || kind === "array");
  const limit = firstTable === undefined ? text.length : offsetOfLine(text, firstTable.firstLine);
  // After a table header the settings would be that table's.
  if (headAt >= 0 && headAt <= Math.min(limit, classesAt < 0 ? limit : classesAt))
    return text.slice(0, headAt) + region + text.slice(headAt);
  const at = endOfTopLevel(text);
  const gap = at === 0 || text.slice(0, at).endsWith("\n") ? "" : eol;
  return text.slice(0, at) + gap + region + text.slice(at);
}

/** After the last top-level value: never before a comment that belongs to the first table. */
function endOfTopLevel(text: string): number {
  const lines = tomlLines(text);
  const firstTable = lines.findIndex(({ kind }) => kind === "table" || kind === "array");
  const topLevel = lines.slice(0, firstTable < 0 ? lines.length : firstTable).filter(({ kind }) => kind === "pair");
  const last = topLevel.at(-1);
  if (last === undefined) return text.startsWith("\uFEFF") ? 1 : 0;
  return offsetOfLine(text, last.lastLine + 1);
}

function offsetOfLine(text: string, line: number): number {
  return text
    .split(/(?<=\n)/)
    .slice(0, line - 1)
    .join("").length;
}

/** The classes that the block in `text` declares, deleted ones left out. */
export function generatedClasses(text: string): readonly string[] {
  return previousClasses(text, findRegions(text, tomlLines(text))).kept;
}

function previousClasses(text: string, regions: readonly Region[]): { kept: string[]; deleted: string[] } {
  const region = regions.find(({ kind }) => kind === "classes");
  const classes: { kept: string[]; deleted: string[] } = { kept: [], deleted: [] };
  if (region === undefined) return classes;
  const rows = text.split("\n").slice(region.firstLine - 1, region.lastLine);
  const declared = (parse(`${rows.join("\n")}\n`) as { exports?: Record<string, { state?: string }> }).exports ?? {};
  for (const [name, { state }] of Object.entries(declared)) (state === "deleted" ? classes.deleted : classes.kept).push(name);
  return classes;
}

function parseToml(text: string, file: string): Record<string, unknown> | string {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [reason = ""] = error.message.replace(/^Invalid TOML document: /, "").split("\n");
    const place = `${file}:${error.line}:${error.column}`;
    return `${place}: this is not TOML: ${reason}. Correct it; edge-serve build changes only files that it can read.`;
  }
}

function check(text: string, { file, classes }: WantedBlock, retired: readonly string[]): void {
  const result = parseToml(text, file);
  const declared = typeof result === "string" ? undefined : (result["exports"] as Record<string, { storage?: string }> | undefined);
  const missing = [...classes, ...retired].filter((name) => declared?.[name]?.storage !== "sqlite");
  if (typeof result !== "string" && missing.length === 0) return;
  const why = typeof result === "string" ? result : `it would not declare ${missing.join(", ")}`;
  throw new ConfigError(
    `${file} cannot be kept in step: ${why}. Nothing was written. Move [exports] into tables of their own, [exports.<Class>].`,
  );
}
