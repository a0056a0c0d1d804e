/**
 * What wrangler built, and where each place of it comes from.
 */
import { readFileSync } from "node:fs";
import { SourceMap } from "node:module";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** A place in a source file. Line and column from 1. */
export interface SourcePosition {
  /** Absolute. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A bundle as wrangler reports it. */
export interface Bundle {
  readonly path: string;
  readonly text: string;
  /** The files it was made from, absolute. */
  readonly inputs: readonly string[];
  /** The temporary directories that wrangler made for it, absolute. */
  readonly directories: readonly string[];
  /** Where a place of the bundle comes from, if that is known. Line and column from 1. */
  sourceOf(line: number, column: number): SourcePosition | undefined;
}

/** The part of wrangler's event that a bundle is made from. */
export interface WranglerBundle {
  readonly path: string;
  readonly entrypointSource: string;
  readonly sourceMapPath?: string | undefined;
  readonly sourceMapMetadata?: { readonly tmpDir: string } | undefined;
  readonly dependencies: Readonly<Record<string, unknown>>;
}

/** Keeps all that is needed of a bundle: wrangler removes its files at the next build. */
export function bundleOf(built: WranglerBundle, root: string): Bundle {
  const { path, entrypointSource, sourceMapPath, sourceMapMetadata, dependencies } = built;
  const mapText = readMap(join(dirname(path), basename(sourceMapPath ?? `${path}.map`)));
  let map: SourceMap | undefined;
  return {
    path,
    text: entrypointSource,
    inputs: Object.keys(dependencies).map((file) => resolve(root, file)),
    directories: sourceMapMetadata === undefined ? [] : [dirname(path), sourceMapMetadata.tmpDir],
    sourceOf: (line, column) => {
      if (mapText === undefined) return undefined;
      map ??= new SourceMap(JSON.parse(mapText) as ConstructorParameters<typeof SourceMap>[0]);
      const entry = map.findEntry(line - 1, column - 1);
      if (!("originalSource" in entry)) return undefined;
      const { originalSource: source, originalLine, originalColumn } = entry;
      const file = source.startsWith("file:") ? fileURLToPath(source) : resolve(dirname(path), source);
      return { file, line: originalLine + 1, column: originalColumn + 1 };
    },
  };
}

function readMap(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    // A project that does not bundle has no map: what goes wrong is still told, just not where.
    return undefined;
  }
}
