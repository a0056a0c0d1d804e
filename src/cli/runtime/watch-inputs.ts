/**
 * Notices that a file a build was made from has changed.
 */
import { createHash } from "node:crypto";
import { type FSWatcher, readFileSync, watch } from "node:fs";
import { dirname, extname, join } from "node:path";

/** Watches files until it is disposed. */
export interface InputWatcher extends Disposable {
  /** Resolves with `true` when something changed since the last call, once it is quiet again; with `false` on abort. */
  changed(signal: AbortSignal): Promise<boolean>;
  /** Adds files to those that are watched. */
  watch(files: readonly string[]): void;
}

// Editors write a file in several steps, and tools write several files.
const QUIET_MS = 60;

const IGNORED = /[\\/](node_modules|\.wrangler|\.edge-serve)[\\/]/;

/** A hash of what the files say, comments and all, packages and what is generated left out. */
export function digestOf(files: readonly string[]): string {
  const hash = createHash("sha256");
  for (const file of [...new Set(files)].filter((candidate) => !IGNORED.test(candidate)).toSorted()) {
    hash.update(`${file}\0`);
    try {
      hash.update(readFileSync(file));
    } catch {
      // Gone by now, or a name that the bundler made up: the name alone counts.
    }
  }
  return hash.digest("hex");
}

/** Watches the directories of `files`: an editor replaces a file rather than writing into it, which ends a watch on the file. */
export function watchInputs(files: readonly string[]): InputWatcher {
  const watchers = new Map<string, FSWatcher>();
  const known = new Set<string>();
  const extensions = new Set<string>();
  let pending = false;
  let wake = () => {};
  let timer: NodeJS.Timeout | undefined;

  const onChange = (file: string): void => {
    // A file that an import is missing until now counts too, so whatever looks like a source does.
    if (IGNORED.test(file) || !(known.has(file) || extensions.has(extname(file)))) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      pending = true;
      wake();
    }, QUIET_MS);
  };
  const add = (more: readonly string[]): void => {
    for (const file of more.filter((candidate) => !IGNORED.test(candidate))) {
      const directory = dirname(file);
      known.add(file);
      extensions.add(extname(file));
      if (watchers.has(directory)) continue;
      const watcher = watch(directory, (_, name) => onChange(join(directory, name ?? "")));
      // The directory is gone: what was in it is then missing from the next build, which says so.
      watcher.on("error", () => watchers.delete(directory));
      watchers.set(directory, watcher);
    }
  };
  add(files);

  return {
    watch: add,
    changed: async (signal) => {
      if (!pending && !signal.aborted) {
        await new Promise<void>((resolve) => {
          wake = resolve;
          signal.addEventListener("abort", () => resolve(), { once: true });
        });
      }
      pending = false;
      return !signal.aborted;
    },
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      for (const watcher of watchers.values()) watcher.close();
    },
  };
}
