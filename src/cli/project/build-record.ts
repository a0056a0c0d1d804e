/**
 * What a build was made from, kept beside it: so that wrangler can be told whether it still holds.
 *
 * Most checks come right after a build, when nothing has changed: hashes of the files say so without loading anything.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { pathFrom } from "./project.ts";

/** What was built. Paths are relative to the project's root. */
export interface BuildRecord {
  /** The target as it was named, and where. */
  readonly target: string | undefined;
  readonly cwd: string;
  /** The path that the command line gave the application, if it did. */
  readonly routePrefix: string | undefined;
  readonly env: string | undefined;
  /** `build` of the user's configuration. */
  readonly build: unknown;
  /** Hashes of the files that the build read, and of those that it wrote. */
  readonly files: Readonly<Record<string, string>>;
}

const RECORD = ".edge-serve/build.json";

/** What a record is made from: files, absolute or relative to the root. */
export interface Recorded extends Omit<BuildRecord, "files" | "cwd"> {
  readonly root: string;
  readonly cwd: string;
  readonly files: readonly string[];
}

/** Remembers a build. */
export function writeRecord({ root, target, cwd, routePrefix, env, build, files }: Recorded): void {
  const hashes = files
    .map((file) => pathFrom(root, resolve(root, file)))
    // The bundler has inputs that it makes up, in directories that are gone by now.
    .filter((path) => !path.startsWith(".wrangler/tmp/"))
    .toSorted()
    .map((path) => [path, hashOf(join(root, path))] as const);
  const record = { target, cwd: relative(root, cwd) || ".", routePrefix, env, build, files: Object.fromEntries(hashes) };
  mkdirSync(dirname(join(root, RECORD)), { recursive: true });
  writeFileSync(join(root, RECORD), `${JSON.stringify(record, null, 2)}\n`);
}

/** What was built last; `undefined` if nothing was, or if nobody can read what it was. */
export function readRecord(root: string): BuildRecord | undefined {
  try {
    const record = JSON.parse(readFileSync(join(root, RECORD), "utf8")) as Partial<BuildRecord> | null;
    return typeof record?.files === "object" && typeof record.cwd === "string" ? (record as BuildRecord) : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a file, or all of them, is as it was when the build was made. */
export function isUnchanged({ files }: BuildRecord, root: string, file?: string): boolean {
  const entries = Object.entries(files).filter(([path]) => file === undefined || join(root, path) === file);
  return entries.every(([path, hash]) => hashOf(join(root, path)) === hash);
}

function hashOf(file: string): string {
  if (!existsSync(file)) return "";
  return createHash("sha256").update(readFileSync(file)).digest("hex").slice(0, 16);
}
