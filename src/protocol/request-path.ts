/**
 * The path of a request's URL, found in its text.
 */

/** The path of an absolute URL, without query and fragment. Not `new URL`: this is the hot path, and a request's URL is normalised already. */
export function pathOf(url: string): string {
  const start = url.indexOf("/", url.indexOf("//") + 2);
  const query = url.indexOf("?", start);
  const fragment = url.indexOf("#", start);
  const end = query === -1 || (fragment !== -1 && fragment < query) ? fragment : query;
  return end === -1 ? url.slice(start) : url.slice(start, end);
}
