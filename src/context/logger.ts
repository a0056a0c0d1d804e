/**
 * `serve.logger`: one JSON object a line, with where it was written from.
 */
import { LOG_LEVELS, type LogLevel } from "../protocol/manifest.ts";
import { isError, keysOf, primitiveText, read } from "../protocol/strangers.ts";
import { LogText, thrownName } from "./log-text.ts";
import { currentScope, type Scope } from "./scope.ts";

/** Fields of a log line besides its message, of any kind: what cannot be written says so in its place. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Writes log lines at four levels. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warning(message: string, fields?: LogFields): void;
  /** The same as `warning`, under the name that `console` has for it. */
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

// The platform's own levels follow the console's methods.
const CONSOLE_METHOD = { DEBUG: "debug", INFO: "log", WARNING: "warn", ERROR: "error" } as const;

/** Where a line is from that no replica writes. */
export interface LogOrigin {
  readonly app: string;
  readonly deployment: string;
}

/** How long a line may be, in bytes of UTF-8. */
const MAX_LINE_BYTES = 65_536;
/** How much of that the message may take. */
const MAX_MESSAGE_BYTES = 32_768;

/** What a line has of its own; a field of the same name is written as `fields.<name>`. */
const OWN: ReadonlySet<string> = new Set([
  "level", "message", "app", "deployment", "replica", "requestId", "route", "traceId", "spanId", "timestamp",
]); // prettier-ignore

/** Writes a line as `logger` does, for code that holds the scope instead of running in it. Never throws. */
export function writeLog(level: LogLevel, message: string, fields: LogFields | undefined, from: Scope | LogOrigin | undefined): void {
  const scope = from !== undefined && "replica" in from ? from : undefined;
  const origin = from !== undefined && "app" in from ? from : undefined;
  const minimum = scope?.replica.logging.level ?? "INFO";
  if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(minimum)) return;
  const context = scope?.replica.context;
  const request = scope?.request;
  const text = new LogText(MAX_LINE_BYTES, context?.env);
  const own = {
    app: context?.appName ?? origin?.app,
    deployment: context?.deployment ?? origin?.deployment,
    replica: context?.replicaId,
    requestId: request?.requestId,
    route: request?.routePrefix,
  };
  let line = `{"level":"${level}","message":${text.text(messageText(message), MAX_MESSAGE_BYTES)}`;
  for (const [key, value] of Object.entries(own)) if (value !== undefined) line += `,"${key}":${text.text(value)}`;
  console[CONSOLE_METHOD[level]](`${line}${fieldsText(fields, text)}}`);
}

// Whatever was given as one.
function messageText(message: unknown): string {
  if (typeof message === "string") return message;
  return primitiveText(message) ?? (isError(message) ? thrownName(message) : (new LogText(MAX_MESSAGE_BYTES).json(message) ?? "undefined"));
}

function fieldsText(fields: unknown, text: LogText): string {
  if (typeof fields !== "object" || fields === null) return "";
  const bindings = text.holdsBindings(fields) ? text.bindings : [];
  let all = bindings.length === 0 ? "" : `,"env":${text.json(bindings)}`;
  const keys = bindings.length === 0 ? keysOf(fields) : keysOf(fields).filter((key) => !bindings.includes(key));
  for (const [index, key] of keys.entries()) {
    if (!text.hasRoom) return `${all},"...":"[${keys.length - index} more]"`;
    const field = text.field(OWN.has(key) ? `fields.${key}` : key, read(fields, key));
    if (field !== undefined) all += `,${field}`;
  }
  return all;
}

const at = (level: LogLevel) => (message: string, fields?: LogFields) => writeLog(level, message, fields, currentScope());

/**
 * Writes JSON lines with `level`, `message`, `app`, `deployment`, `replica`, `requestId`, `route` and the fields given.
 * Lines below the deployment's `logging.level` are dropped. Never throws, whatever it is given: errors are written with their
 * stacks, causes and members, binary with its length and beginning, and a line is at most 64 KiB long. A field that is called
 * as one of the line's own is written as `fields.<name>`. Of the Worker's bindings only the names are written.
 *
 * @example
 * serve.logger.info("ranked", { candidates: 12 });
 */
export const logger: Logger = {
  debug: at("DEBUG"),
  info: at("INFO"),
  warning: at("WARNING"),
  warn: at("WARNING"),
  error: at("ERROR"),
};
