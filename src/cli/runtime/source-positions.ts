/**
 * From positions in the bundle to positions in the user's files.
 */
import { isAbsolute, relative, resolve, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { OWN_ROOT } from "../project/own-package.ts";
import type { Bundle, SourcePosition } from "./bundle.ts";

/** A place in one of the user's files, relative to the project's root. Line and column from 1. */
export interface Frame {
  readonly name: string;
  readonly position: string;
}

// "at boom (file:///x/entry.js:8:11)", "at entry.js:8:11 in boom", "at async file:///x/entry.js:8:11"
const FRAME = /^\s*at (?:async )?(?:(?<before>.*?) \()?(?<file>[^()\s]*):(?<line>\d+):(?<column>\d+)\)?(?: in (?<after>.*))?$/;

/** Finds the user's own frames in a stack of the runtime's, innermost first. Frames of libraries are left out. */
export function userFrames(stack: string, bundle: Bundle, root: string): Frame[] {
  const frames: Frame[] = [];
  for (const row of stack.split("\n")) {
    const { before, after, line, column } = FRAME.exec(row)?.groups ?? {};
    if (line === undefined || column === undefined) continue;
    const source = bundle.sourceOf(Number(line), Number(column));
    if (source === undefined || isGeneratedOrLibrary(source.file, root)) continue;
    frames.push({ name: (before ?? after ?? "").trim(), position: shownPosition(source, root) });
  }
  return frames;
}

/** A file as errors name it: relative to the root where it is inside. */
export function shown(file: string, root: string): string {
  const path = relative(root, file);
  return path.startsWith("..") || isAbsolute(path) ? file : path.replaceAll(sep, "/");
}

function shownPosition({ file, line, column }: SourcePosition, root: string): string {
  return `${shown(file, root)}:${line}:${column}`;
}

// A reload whose build fails goes on with what ran before it.
const KEPT_BUNDLES = 3;

/** Replaces positions in bundles, as stacks in a log or an answer have them, by positions in the source files. */
export class LogPositions {
  readonly #root: string;
  readonly #bundles = new Map<RegExp, Bundle>();

  constructor(root: string) {
    this.#root = root;
  }

  /** From now on positions in this bundle are known; those in the bundles before it stay so for a while. */
  add(bundle: Bundle): void {
    // Each build has a directory of its own, so a path names one build.
    this.#bundles.set(positionIn(bundle), bundle);
    for (const oldest of [...this.#bundles.keys()].slice(0, -KEPT_BUNDLES)) this.#bundles.delete(oldest);
  }

  /** The text with every position that is known replaced; a JSON text stays one. */
  map(text: string): string {
    let mapped = text;
    for (const [position, bundle] of this.#bundles) {
      mapped = mapped.replaceAll(position, (found: string, line: string, column: string) => {
        const source = bundle.sourceOf(Number(line), Number(column));
        return source === undefined || /["\\]/.test(source.file) ? found : shownPosition(source, this.#root);
      });
    }
    return mapped;
  }
}

function positionIn({ path }: Bundle): RegExp {
  const names = [pathToFileURL(path).href, `file://${path}`, path].map((name) => name.replaceAll(/[$()*+.?[\\\]^{|}]/g, "\\$&"));
  return new RegExp(`(?:${names.join("|")}):(\\d+):(\\d+)`, "g");
}

function isGeneratedOrLibrary(file: string, root: string): boolean {
  const inside = (directory: string) => file.startsWith(`${resolve(directory)}/`);
  if (/[\\/](node_modules|\.wrangler|\.edge-serve)[\\/]/.test(file)) return true;
  return [`${OWN_ROOT}/src`, `${OWN_ROOT}/dist`, `${OWN_ROOT}/durable-objects`].some(
    (own) => inside(own) && !resolve(root).startsWith(own),
  );
}
