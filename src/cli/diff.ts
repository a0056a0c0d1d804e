/** What changes in a file, as lines: the changed stretch with `-` and `+`, and up to two lines around it. */
export function diff(path: string, before: string | undefined, after: string): string {
  const [old, fresh] = [before === undefined ? [] : before.split("\n"), after.split("\n")];
  let start = 0;
  while (start < old.length && start < fresh.length && old[start] === fresh[start]) start++;
  let end = 0;
  while (end < old.length - start && end < fresh.length - start && old.at(-1 - end) === fresh.at(-1 - end)) end++;
  const context = (rows: string[]) => rows.map((row) => `  ${row}`);
  return [
    `--- ${before === undefined ? "(new file)" : path}`,
    `+++ ${path}`,
    ...context(old.slice(Math.max(0, start - 2), start)),
    ...old.slice(start, old.length - end).map((row) => `- ${row}`),
    ...fresh.slice(start, fresh.length - end).map((row) => `+ ${row}`),
    ...context(old.slice(old.length - end, old.length - end + 2)),
  ].join("\n");
}
