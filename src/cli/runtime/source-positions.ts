/**
 * From positions in the bundle to positions in the user's files.
 */
import { readFileSync } from "node:fs";
import { SourceMap } from "node:module";
import { dirname, isAbsolute, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { OWN_ROOT } from "../project/own-package.ts";

/** A bundle as wrangler reports it. */
export interface Bundle {
  readonly path: string;
  readonly text: string;
  /** Beside it, absolute. */
  readonly sourceMapPath: string;
  /** The files it was made from, absolute. */
  readonly inputs: readonly string[];
}

/** A place in one of the user's files, relative to the project's root. Line and column from 1. */
export interface Frame {
  readonly name: string;
  readonly position: string;
}

// "at boom (file:///x/entry.js:8:11)", "at entry.js:8:11 in boom", "at async file:///x/entry.js:8:11"
const FRAME = /^\s*at (?:async )?(?:(?<before>.*?) \()?(?<file>[^()\s]*):(?<line>\d+):(?<column>\d+)\)?(?: in (?<after>.*))?$/;

/** Finds the user's own frames in a stack of the runtime's, innermost first. Frames of libraries are left out. */
export function userFrames(stack: string, bundle: Bundle, root: string): Frame[] {
  const map = sourceMapOf(bundle);
  if (map === undefined) return [];
  const frames: Frame[] = [];
  for (const row of stack.split("\n")) {
    const { before, after, line, column } = FRAME.exec(row)?.groups ?? {};
    if (line === undefined || column === undefined) continue;
    const entry = map.findEntry(Number(line) - 1, Number(column) - 1);
    if (!("originalSource" in entry)) continue;
    const source = sourceFile(entry.originalSource, bundle);
    if (isGeneratedOrLibrary(source, root)) continue;
    frames.push({
      name: (before ?? after ?? "").trim(),
      position: `${shown(source, root)}:${entry.originalLine + 1}:${entry.originalColumn + 1}`,
    });
  }
  return frames;
}

/** A file as errors name it: relative to the root where it is inside. */
export function shown(file: string, root: string): string {
  const path = relative(root, file);
  return path.startsWith("..") || isAbsolute(path) ? file : path;
}

function sourceMapOf({ sourceMapPath }: Bundle): SourceMap | undefined {
  try {
    return new SourceMap(JSON.parse(readFileSync(sourceMapPath, "utf8")) as ConstructorParameters<typeof SourceMap>[0]);
  } catch {
    // A project that does not bundle, or an unreadable map: the message still says what is wrong, just not where.
    return undefined;
  }
}

function sourceFile(source: string, { path }: Bundle): string {
  return source.startsWith("file:") ? fileURLToPath(source) : resolve(dirname(path), source);
}

function isGeneratedOrLibrary(file: string, root: string): boolean {
  const inside = (directory: string) => file.startsWith(`${resolve(directory)}/`);
  if (/[\\/](node_modules|\.wrangler|\.edge-serve)[\\/]/.test(file)) return true;
  return [`${OWN_ROOT}/src`, `${OWN_ROOT}/dist`, `${OWN_ROOT}/durable-objects`].some(
    (own) => inside(own) && !resolve(root).startsWith(own),
  );
}
