/** Bundles in which a module of the package is replaced. */
import { join } from "node:path";
import type { Plugin } from "esbuild";

const ROOT = join(import.meta.dirname, "../..");

/**
 * Replaces a module, but for those that are imported by what stands in for it.
 *
 * @param path The module, relative to the repository.
 * @param by What stands in for it, absolute.
 */
export function standIn(path: string, by: string): Plugin {
  const original = join(ROOT, path);
  return {
    name: by,
    setup({ onResolve }) {
      onResolve({ filter: new RegExp(`/${path.split("/").at(-1)!.replace(".", "\\.")}$`) }, ({ path: asked, resolveDir, importer }) =>
        join(resolveDir, asked) === original && importer !== by ? { path: by } : undefined,
      );
    },
  };
}
