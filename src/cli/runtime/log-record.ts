/**
 * A line of the runtime's log, taken apart, and put together again for a person who reads it on a terminal.
 */
import { isAbsolute } from "node:path";
import { styleText } from "node:util";
import { parseReplicaId } from "../../protocol/names.ts";
import type { LogLevel } from "../../protocol/manifest.ts";
import { OWN_ROOT } from "../project/own-package.ts";

/** A line of the Worker's log as the runtime reports it. */
export interface RuntimeLog {
  readonly timestamp: number;
  readonly level: string;
  readonly message: string;
}

/** What a line says. */
export interface LogRecord {
  readonly level: LogLevel;
  /** The text of a `console` call; of a structured line, its message. */
  readonly message: string;
  /** In milliseconds since 1970. */
  readonly timestamp: number;
  /** All fields of a structured line but its level and message. */
  readonly fields: Readonly<Record<string, unknown>>;
}

const LEVELS: Readonly<Record<string, LogLevel>> = {
  debug: "DEBUG",
  trace: "DEBUG",
  log: "INFO",
  info: "INFO",
  warn: "WARNING",
  warning: "WARNING",
  error: "ERROR",
  critical: "ERROR",
};

/** Reads a line of the runtime's log: a JSON object in it, as `serve.logger` writes, becomes level, message and fields. */
export function recordOf({ level, message, timestamp }: { level: string; message: string; timestamp: number | string }): LogRecord {
  const { message: text, level: own, ...fields } = jsonObject(message);
  const isStructured = typeof text === "string";
  return {
    level: levelOf(own) ?? levelOf(level) ?? "INFO",
    message: isStructured ? text : message,
    timestamp: Number(timestamp),
    fields: isStructured ? fields : {},
  };
}

function levelOf(level: unknown): LogLevel | undefined {
  return typeof level === "string" ? LEVELS[level.toLowerCase()] : undefined;
}

function jsonObject(text: string): Record<string, unknown> {
  if (!text.startsWith("{")) return {};
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    // Text that only begins like an object.
    return {};
  }
}

/** The fields that say where a line was written. */
const OF_EACH_LINE: ReadonlySet<string> = new Set(["app", "deployment", "replica", "requestId", "route", "timestamp", "traceId", "spanId"]);

/** What a line says in words: its message, or an error's stack, which begins with the message. */
export function textOf({ message, fields: { error } }: Pick<LogRecord, "message" | "fields">): string {
  return typeof error !== "string" ? message : error.includes(message) ? error : `${message}\n${error}`;
}

/** The fields that whoever wrote the line has given it, an error aside. */
export function givenFields({ fields }: Pick<LogRecord, "fields">): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => name !== "error" && !OF_EACH_LINE.has(name)));
}

/** How lines are shown. */
export interface Showing {
  readonly hasColors: boolean;
}

type Style = Parameters<typeof styleText>[0];
const STYLES: Readonly<Record<LogLevel, Style>> = { DEBUG: "dim", INFO: "green", WARNING: "yellow", ERROR: "red" };
const LEVEL_WIDTH = "WARNING".length;

/**
 * A line of the runtime's log for people: time of day, level, `app/deployment#replica`, message, fields. Of an error's stack the frames
 * of the user's own files are left, a row each. A request of the access log has its path in place of its route.
 */
export function lineForPeople(line: RuntimeLog, { hasColors }: Showing): string {
  const record = recordOf(line);
  const styled = (style: Style, text: string) => (hasColors ? styleText(style, text, { validateStream: false }) : text);
  const { text, fields } = said(record);
  const [first = "", ...rest] = ownRows(text.split("\n"));
  const head = [
    styled("dim", timeOf(record.timestamp)),
    styled(STYLES[record.level], record.level.padEnd(LEVEL_WIDTH)),
    ...placeOf(record).map((place) => styled("cyan", place)),
    first,
    ...fieldTexts(fields, record).map((field) => styled("dim", field)),
  ];
  return [head.join(" "), ...rest.map((row) => (/^\s*at /.test(row) ? styled("dim", row) : row))].join("\n");
}

// The access log's message has the route, which is the same for all of an application's paths.
function said(record: LogRecord): { readonly text: string; readonly fields: Record<string, unknown> } {
  const { method, path, status, durationMs, ...others } = givenFields(record);
  const isAccess = typeof method === "string" && typeof path === "string" && record.message.startsWith(`${method} `);
  if (!isAccess || typeof status !== "number") return { text: textOf(record), fields: givenFields(record) };
  return { text: `${method} ${path} ${status} ${String(durationMs)}ms`, fields: others };
}

function timeOf(timestamp: number): string {
  const time = new Date(timestamp);
  if (Number.isNaN(time.getTime())) return "--:--:--.---";
  const two = (part: number) => String(part).padStart(2, "0");
  const ms = String(time.getMilliseconds()).padStart(3, "0");
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${ms}`;
}

function placeOf({ fields: { app, deployment, replica } }: LogRecord): string[] {
  if (typeof app !== "string") return [];
  if (typeof deployment !== "string") return [app];
  const id = typeof replica === "string" ? parseReplicaId(replica) : undefined;
  return [`${app}/${deployment}${id === undefined ? "" : `#${id.ordinal}${id.incarnation === 0 ? "" : `.${id.incarnation}`}`}`];
}

function fieldTexts(fields: Readonly<Record<string, unknown>>, { level, fields: { requestId } }: LogRecord): string[] {
  const isTrouble = level === "WARNING" || level === "ERROR";
  const shown = isTrouble && typeof requestId === "string" ? { ...fields, requestId } : fields;
  return Object.entries(shown).map(([name, value]) => `${name}=${valueText(value)}`);
}

function valueText(value: unknown): string {
  return typeof value === "string" && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}

const FILE_IN_FRAME = /^\s*at .*?\(?([^()\s]+):\d+:\d+\)?(?: in .*)?$/;

/** Rows of text without the frames of libraries, where a stack has frames of the user's files; otherwise those are all that there is. */
export function ownRows(rows: readonly string[]): readonly string[] {
  const isForeign = (row: string) => {
    const [, file] = FILE_IN_FRAME.exec(row) ?? [];
    return file !== undefined && isLibrary(file);
  };
  const isFrame = (row: string) => FILE_IN_FRAME.test(row);
  return rows.some((row) => isFrame(row) && !isForeign(row)) ? rows.filter((row) => !isForeign(row)) : rows;
}

function isLibrary(file: string): boolean {
  if (/^(?:node|cloudflare|workerd|cloudflare-internal|node-internal):/.test(file)) return true;
  if (/(?:^|[\\/])(?:node_modules|\.wrangler|\.edge-serve)[\\/]/.test(file)) return true;
  return isAbsolute(file) && [`${OWN_ROOT}/src/`, `${OWN_ROOT}/dist/`, `${OWN_ROOT}/durable-objects/`].some((own) => file.startsWith(own));
}
