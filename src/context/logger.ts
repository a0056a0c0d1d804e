/**
 * `serve.logger`: one JSON object a line, with where it was written from.
 */
import { LOG_LEVELS, type LogLevel } from "../protocol/manifest.ts";
import { isError, primitiveText } from "../protocol/strangers.ts";
import { thrownName } from "./error-text.ts";
import { LogText } from "./log-text.ts";
import { outerRequest } from "./outer-request.ts";
import { currentScope, type ReplicaContext, type ReplicaScope, type RequestScope } from "./scope.ts";

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

/** A replica and a request, as far as a line tells of them. */
export interface LogScope {
  readonly replica: Pick<ReplicaScope, "logging"> & {
    readonly context: Pick<ReplicaContext, "appName" | "deployment" | "replicaId" | "env">;
  };
  readonly request: RequestScope | undefined;
}

/** How long a line may be, in bytes of UTF-8. */
const MAX_LINE_BYTES = 65_536;
/** How much of that the message may take, and each of the line's own fields. */
const MAX_MESSAGE_BYTES = 32_768;
const MAX_OWN_BYTES = 1024;

/** What a line has of its own; a field of the same name is written as `fields.<name>`. */
const OWN: ReadonlySet<string> = new Set([
  "level", "message", "app", "deployment", "replica", "requestId", "route", "traceId", "spanId", "timestamp", "shadow",
]); // prettier-ignore

/** Writes a line as `logger` does, for code that holds the scope instead of running in it. Never throws. */
export function writeLog(level: LogLevel, message: string, fields: LogFields | undefined, from: LogScope | LogOrigin | undefined): void {
  const scope = scopeOf(from);
  const minimum = scope?.replica.logging.level ?? "INFO";
  if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(minimum)) return;
  try {
    console[CONSOLE_METHOD[level]](lineOf(level, message, fields, from));
  } catch {
    // There is no stack left to write a line with, or the program has put something of its own in the console's place.
  }
}

function scopeOf(from: LogScope | LogOrigin | undefined): LogScope | undefined {
  return from !== undefined && "replica" in from ? from : undefined;
}

function lineOf(level: LogLevel, message: unknown, fields: unknown, from: LogScope | LogOrigin | undefined): string {
  const { env, ...own } = originOf(from);
  const line = (text: LogText) => {
    let json = `{"level":"${level}","message":${text.text(messageText(message, env), MAX_MESSAGE_BYTES)}`;
    for (const [key, value] of Object.entries(own)) if (value !== undefined) json += `,"${key}":${text.text(value, MAX_OWN_BYTES)}`;
    if (scopeOf(from)?.request?.shadow === true) json += ',"shadow":true';
    return `${json}${fieldsText(fields, text)}}`;
  };
  const text = new LogText(MAX_LINE_BYTES, env);
  const whole = line(text);
  return text.isCut ? line(new LogText(MAX_LINE_BYTES, env, text)) : whole;
}

function originOf(from: LogScope | LogOrigin | undefined) {
  if (from === undefined || "app" in from) {
    const { traceId, spanId } = outerRequest()?.trace ?? {};
    return { app: from?.app, deployment: from?.deployment, traceId, spanId, env: undefined };
  }
  const { context } = from.replica;
  const { traceId, spanId } = from.request?.trace ?? {};
  return {
    app: context.appName,
    deployment: context.deployment,
    replica: context.replicaId,
    requestId: from.request?.requestId,
    route: from.request?.routePrefix,
    traceId,
    spanId,
    env: context.env,
  };
}

// Whatever was given as one.
function messageText(message: unknown, env: unknown): string {
  if (typeof message === "string") return message;
  if (isError(message)) return thrownName(message);
  return primitiveText(message) ?? new LogText(MAX_MESSAGE_BYTES, env).json(message) ?? typeof message;
}

function fieldsText(fields: unknown, text: LogText): string {
  if (fields === undefined || fields === null) return "";
  if (typeof fields === "object" && !isError(fields)) {
    const bindings = text.bindingsIn(fields);
    const names = bindings === undefined ? "" : `,"env":${text.json(bindings)}`;
    const members = text.members(fields, bindings ?? [], (key) => (OWN.has(key) ? `fields.${key}` : key));
    if (members !== "" || names !== "") return `${names}${members === "" ? "" : ","}${members}`;
  }
  // Not what the types ask for, and worth more than nothing.
  const json = text.json(fields);
  return json === undefined || json === "{}" ? "" : `,"${isError(fields) ? "error" : "fields"}":${json}`;
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
