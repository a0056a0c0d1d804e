/**
 * What is wrong with a config document, and where.
 */

import { show } from "../protocol/wording.ts";
import { isRecord, own } from "../protocol/own.ts";

/** One thing to say about a config document. */
export interface Diagnostic {
  /** A config with an error is refused as a whole; a warning is only shown. */
  readonly severity: "error" | "warning";
  /** Where in the document, in its own spelling: `applications[0].deployments[1].num_replicas`; "" is the whole of it. */
  readonly path: string;
  /** Full sentences that name the path, the value seen, and what is accepted. */
  readonly message: string;
  readonly file?: string;
  /** From 1. */
  readonly line?: number;
  /** From 1. */
  readonly column?: number;
}

/** @internal The keys and indexes that lead to a value. */
export type Segments = readonly (string | number)[];

/** @internal A diagnostic before it is known where in a text it is. */
export interface Finding {
  readonly severity: Diagnostic["severity"];
  readonly segments: Segments;
  /** Whether the key is at fault, or its value. */
  readonly anchor: "key" | "value";
  readonly message: string;
}

/** @internal An error about the value at `segments`; `predicate` goes on from the path: `must be 1, got 2.` */
export function errorAt(segments: Segments, predicate: string): Finding {
  return { severity: "error", segments, anchor: "value", message: `${subjectOf(segments)} ${predicate}` };
}

/** @internal A finding about the key that `segments` ends in, whatever its value. */
export function keyFinding(severity: Diagnostic["severity"], segments: Segments, predicate: string): Finding {
  return { severity, segments, anchor: "key", message: `${subjectOf(segments)} ${predicate}` };
}

/** More than a person reads, and few enough that any document is checked in no time. */
const ENOUGH = 1000;

/** @internal Whether so much is wrong that the rest need not be looked at: the document is refused, whatever it says. */
export function isEnough(findings: readonly Finding[]): boolean {
  // An error for certain: with warnings alone all of it has to be read.
  return findings.length >= ENOUGH && findings.at(-1)?.severity === "error";
}

/** @internal Values that no two parts of a document may share. */
export class Unique {
  /** By value: who has it, in words. */
  readonly #owners = new Map<string, string>();

  /** Gives `value` to `owner`; or says who has it, to go on from the path: `is "a", and so is the name of applications[0].` */
  claim(value: string, owner: string): string | undefined {
    const first = this.#owners.get(value);
    if (first !== undefined) return `is ${show(value)}, and so is ${first}.`;
    this.#owners.set(value, owner);
    return undefined;
  }
}

/** What an application is called that has no name. */
export const DEFAULT_NAME = "default";

/** @internal The finding with the application and the deployment, or the route, that it is about, by the names that the document gives them. */
export function withNames(finding: Finding, document: unknown): Finding {
  const [list, index, sublist, subindex] = finding.segments;
  if (typeof index !== "number") return finding;
  if (list === "routes") {
    const route = entryAt(document, list, index);
    const prefix = isRecord(route) ? own(route, "prefix") : undefined;
    return typeof prefix === "string" ? { ...finding, message: `Route ${show(prefix)}: ${finding.message}` } : finding;
  }
  if (list !== "applications") return finding;
  const application = entryAt(document, "applications", index);
  const app = nameOf(application, DEFAULT_NAME);
  if (app === undefined) return finding;
  const deployment =
    sublist === "deployments" && typeof subindex === "number" ? nameOf(entryAt(application, sublist, subindex)) : undefined;
  const names = `Application ${show(app)}${deployment === undefined ? "" : `, deployment ${show(deployment)}`}`;
  return { ...finding, message: `${names}: ${finding.message}` };
}

function entryAt(parent: unknown, list: string, index: number): unknown {
  const entries = isRecord(parent) ? own(parent, list) : undefined;
  return Array.isArray(entries) ? (entries as unknown[])[index] : undefined;
}

function nameOf(entry: unknown, missing?: string): string | undefined {
  const name = isRecord(entry) ? (own(entry, "name") ?? missing) : undefined;
  return typeof name === "string" ? name : undefined;
}

/** @internal */
export function toDiagnostic({ severity, segments, message }: Finding): Diagnostic {
  return { severity, path: formatPath(segments), message };
}

function subjectOf(segments: Segments): string {
  return segments.length === 0 ? "The config" : formatPath(segments.map(shortened));
}

function shortened(segment: string | number): string | number {
  return typeof segment === "string" && segment.length > 80 ? `${segment.slice(0, 77)}...` : segment;
}

const PLAIN_KEY = /^[A-Za-z_$][\w$-]*$/;

/** @internal `["applications", 0, "name"]` as `applications[0].name`. */
export function formatPath(segments: Segments): string {
  let path = "";
  for (const segment of segments) {
    if (typeof segment === "number") path += `[${segment}]`;
    else if (!PLAIN_KEY.test(segment)) path += `[${JSON.stringify(segment)}]`;
    else path += path === "" ? segment : `.${segment}`;
  }
  return path;
}

/** Whether the document is refused. */
export function hasErrors(diagnostics: readonly Pick<Diagnostic, "severity">[]): boolean {
  return diagnostics.some(({ severity }) => severity === "error");
}

/** One line a diagnostic, `<file>:<line>:<column>  <message>`: errors first, then in the order of the file. */
export function formatDiagnostics(diagnostics: readonly Diagnostic[]): string {
  const rank = ({ severity }: Diagnostic): number => (severity === "error" ? 0 : 1);
  const ordered = diagnostics.toSorted((a, b) => rank(a) - rank(b) || (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
  return ordered.map(formatDiagnostic).join("\n");
}

function formatDiagnostic({ severity, message, file, line, column }: Diagnostic): string {
  const place = [file, line, column].filter((part) => part !== undefined).join(":");
  const text = severity === "warning" ? `warning: ${message}` : message;
  return place === "" ? text : `${place}  ${text}`;
}
