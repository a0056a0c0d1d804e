import { readFileSync } from "node:fs";
import { isNode, LineCounter, parseDocument } from "yaml";

/** Where a path of a config file is, as `serve.yaml:12:5`; of the innermost part of it that there is. */
export function configPosition(file: string, label: string, path: readonly (string | number)[]): string {
  const lines = new LineCounter();
  const document = parseDocument(readFileSync(file, "utf8"), { lineCounter: lines, merge: true });
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true);
    const offset = isNode(node) ? node.range?.[0] : undefined;
    if (offset === undefined) continue;
    const { line, col } = lines.linePos(offset);
    return `${label}:${line}:${col}`;
  }
  return `${label}:1:1`;
}
