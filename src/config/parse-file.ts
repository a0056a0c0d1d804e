/**
 * `serve.yaml`: text in, config out, and every diagnostic at its line and column.
 */
import { type Document, isAlias, isMap, isNode, isScalar, isSeq, LineCounter, type Node, parseDocument, visit, type YAMLError } from "yaml";
import { type Diagnostic, type Finding, type Segments, toDiagnostic } from "./diagnostics.ts";
import { type ConfigResult, readDocument } from "./system-config.ts";

/**
 * Where a path of a config file is, as `serve.yaml:12:5`; of the innermost part of it that there is.
 *
 * @param label What the file is called.
 */
export function configPosition(text: string, label: string, segments: Segments): string {
  const lines = new LineCounter();
  const { line, column } = positionOf({ segments, anchor: "value" }, parse(text, lines), lines);
  return `${label}:${line}:${column}`;
}

// `merge`: Ray Serve's parser knows `<<`. Without `prettyErrors`, messages don't repeat position and source.
function parse(text: string, lineCounter: LineCounter): Document {
  return parseDocument(text, { lineCounter, prettyErrors: false, merge: true });
}

/** Reads a config file's text; `file` is what diagnostics call it. Collects all problems, throws none. */
export function parseConfigText(text: string, file: string): ConfigResult {
  const lines = new LineCounter();
  const document = parse(text, lines);
  const warnings = document.warnings.map((warning) => syntaxDiagnostic("warning", warning, lines, file));
  if (document.errors.length > 0) {
    return { diagnostics: [...document.errors.map((error) => syntaxDiagnostic("error", error, lines, file)), ...warnings] };
  }
  let value: unknown;
  try {
    value = document.toJS();
  } catch (error) {
    // An alias without an anchor, or aliases that multiply beyond measure.
    const message = `The YAML cannot be read: ${error instanceof Error ? error.message : String(error)}.`;
    const position = place(unresolvedAlias(document)?.range?.[0] ?? 0, lines);
    return { diagnostics: [{ severity: "error", path: "", message, file, ...position }, ...warnings] };
  }
  const { config, findings } = readDocument(value);
  const diagnostics = findings.map((finding) => ({ ...toDiagnostic(finding), file, ...positionOf(finding, document, lines) }));
  return { ...(config === undefined ? {} : { config }), diagnostics: [...diagnostics, ...warnings] };
}

function syntaxDiagnostic(severity: Diagnostic["severity"], error: YAMLError, lines: LineCounter, file: string): Diagnostic {
  const reason = error.code === "MULTIPLE_DOCS" ? "a config file holds one document, so it has no second ---" : error.message;
  const subject = severity === "error" ? "The YAML cannot be read" : "YAML warning";
  const message = `${subject}: ${reason.replace(/\.$/, "")}.`;
  return { severity, path: "", message, file, ...place(error.pos[0], lines) };
}

function unresolvedAlias(document: Document): Node | undefined {
  let found: Node | undefined;
  visit(document, {
    Alias(_key, alias) {
      if (alias.resolve(document) !== undefined) return undefined;
      found = alias;
      return visit.BREAK;
    },
  });
  return found;
}

function place(offset: number, lines: LineCounter): { line: number; column: number } {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}

function positionOf(finding: Place, document: Document, lines: LineCounter): { line: number; column: number } {
  return place(nodeOf(finding, document)?.range?.[0] ?? 0, lines);
}

type Place = Pick<Finding, "segments" | "anchor">;

/** The node that a finding is about, or the innermost that there is on the way to it. */
function nodeOf({ segments, anchor }: Place, document: Document): Node | null {
  let node: Node | null = document.contents;
  for (const [index, segment] of segments.entries()) {
    const isLast = index === segments.length - 1;
    const child = childOf(node, segment, isLast ? anchor : "value", document);
    if (child === undefined) return node;
    node = child;
  }
  return node;
}

function childOf(parent: Node | null, segment: string | number, anchor: "key" | "value", document: Document): Node | undefined {
  const node = isAlias(parent) ? parent.resolve(document) : parent;
  let child: unknown;
  if (isSeq(node)) child = node.items[Number(segment)];
  if (isMap(node)) {
    const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === segment);
    child = anchor === "key" ? pair?.key : pair?.value;
  }
  return isNode(child) ? child : undefined;
}
