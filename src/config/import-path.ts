import { show } from "../protocol/wording.ts";

/** Where an application is: a module, and which of its exports. */
export interface ImportPath {
  /** A path as it was written: relative to the config file, or absolute. */
  readonly module: string;
  readonly exportName: string;
}

const FORM = 'Write "<module>:<export>", such as "src/app.ts:app", or "<module>" for its default export.';
const DRIVE = /^[A-Za-z]:(?=[\\/])/;
const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u;

/**
 * Splits `<module>:<export>`; a bare `<module>` is its default export. A Windows drive is no separator.
 *
 * A problem goes on from what the text is called: `must have at most one colon, got "a:b:c". Write ...`.
 */
export function parseImportPath(text: string): ImportPath | { readonly problem: string } {
  const refuse = (rule: string) => ({ problem: `${rule}, got ${show(text)}. ${FORM}` });
  const drive = DRIVE.exec(text)?.[0] ?? "";
  const [path = "", exportName = "default", ...more] = text.slice(drive.length).split(":");
  if (text.trim() === "") return refuse("must name a module");
  if (more.length > 0) return refuse("must have at most one colon");
  if (path.trim() === "") return refuse("must name a module before the colon");
  if (exportName === "") return refuse("must name an export after the colon");
  if (!IDENTIFIER.test(exportName)) return refuse("must have the name of one export after the colon");
  return { module: drive + path, exportName };
}

/** @internal Whether {@link parseImportPath} has nothing to say against it. */
export function isReadableImportPath(text: unknown): text is string {
  return typeof text === "string" && !("problem" in parseImportPath(text));
}
