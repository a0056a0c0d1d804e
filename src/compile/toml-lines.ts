/**
 * Where the statements of a TOML document are, line by line.
 *
 * smol-toml says what a document means, but not where; changing a file without touching the rest of it needs both.
 * The document must be valid TOML: this only follows strings and brackets far enough to see statements end.
 */

/** One statement, comment or empty line. Line numbers start at 1. */
export interface TomlLine {
  readonly kind: "table" | "array" | "pair" | "comment" | "blank";
  /** The full path: of the table, or of the table and the key. */
  readonly path: readonly string[];
  readonly firstLine: number;
  readonly lastLine: number;
}

/** The statements of a valid TOML document, in order. */
export function tomlLines(text: string): TomlLine[] {
  const lines = text.split("\n");
  const found: TomlLine[] = [];
  let table: readonly string[] = [];
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index]!.trim().replace(/^\uFEFF/, "");
    const firstLine = index + 1;
    if (line === "" || line.startsWith("#")) {
      found.push({ kind: line === "" ? "blank" : "comment", path: [], firstLine, lastLine: firstLine });
    } else if (line.startsWith("[")) {
      const isArray = line.startsWith("[[");
      table = keyPath(line.slice(isArray ? 2 : 1)).path;
      found.push({ kind: isArray ? "array" : "table", path: table, firstLine, lastLine: firstLine });
    } else {
      const { path, rest } = keyPath(line);
      let state = follow(rest, { open: "", depth: 0 });
      while ((state.open !== "" || state.depth > 0) && index + 1 < lines.length) state = follow(lines[++index]!, state);
      found.push({ kind: "pair", path: [...table, ...path], firstLine, lastLine: index + 1 });
    }
  }
  return found;
}

/** Reads a dotted key; `rest` is what comes after the `=` or the `]`. */
function keyPath(text: string): { path: string[]; rest: string } {
  const path: string[] = [];
  const part = /\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*([.=\]])/y;
  for (;;) {
    const match = part.exec(text);
    if (match === null) return { path, rest: "" };
    path.push(match[1] === undefined ? (match[2] ?? match[3] ?? "") : unescape(match[1]));
    if (match[4] !== ".") return { path, rest: text.slice(part.lastIndex) };
  }
}

function unescape(text: string): string {
  try {
    return JSON.parse(`"${text}"`) as string;
  } catch {
    // An escape that TOML has and JSON has not (\e, \U…): no name that is looked for holds one.
    return text;
  }
}

interface ValueState {
  /** The multi-line quote that is open, or "". */
  readonly open: string;
  /** Brackets and braces that are open. */
  readonly depth: number;
}

const TOKEN = /"""|'''|"(?:[^"\\]|\\.)*"|'[^']*'|[[{\]}]|#.*/g;

function follow(line: string, { open, depth }: ValueState): ValueState {
  let at = 0;
  for (;;) {
    if (open !== "") {
      const end = endOfString(line, open, at);
      if (end < 0) return { open, depth };
      [open, at] = ["", end];
    }
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(line);
    if (match === null) return { open, depth };
    at = TOKEN.lastIndex;
    const token = match[0];
    if (token === '"""' || token === "'''") open = token;
    else if (token === "[" || token === "{") depth++;
    else if (token === "]" || token === "}") depth--;
  }
}

/** Where the text goes on after the closing quote, -1 if it is not in this line. */
function endOfString(line: string, quote: string, from: number): number {
  for (let at = from; at < line.length; at++) {
    if (quote === '"""' && line[at] === "\\") at++;
    else if (line.startsWith(quote, at)) {
      // Up to two quotes may stand directly before the closing three.
      let end = at + 3;
      while (end < at + 5 && line[end] === quote[0]) end++;
      return end;
    }
  }
  return -1;
}
