/**
 * Which application a path belongs to: the one with the longest matching prefix, by whole segments.
 */

/** An application's place in the URL space. */
export interface Route<T> {
  /** Starts with `/`; ends with it only if it is nothing else. */
  readonly prefix: string;
  readonly target: T;
}

/** Looks up paths. Sorted once, so that the first match is the longest. */
export class RouteTable<T> {
  readonly #routes: readonly Route<T>[];

  constructor(routes: readonly Route<T>[]) {
    this.#routes = routes.toSorted((a, b) => b.prefix.length - a.prefix.length);
  }

  /** The route of a path such as `/a/b`; `undefined` if no application has it. */
  match(path: string): Route<T> | undefined {
    return this.#routes.find(({ prefix }) => prefix === "/" || (path.startsWith(prefix) && isBoundary(path.charCodeAt(prefix.length))));
  }
}

const SLASH = 0x2f;

// Past the end of the path `charCodeAt` gives NaN.
function isBoundary(code: number): boolean {
  return code === SLASH || Number.isNaN(code);
}

/** The path that the application sees: without its prefix, and never empty. */
export function stripPrefix(path: string, prefix: string): string {
  if (prefix === "/") return path;
  return path.length === prefix.length ? "/" : path.slice(prefix.length);
}
