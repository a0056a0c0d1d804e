/**
 * `serve.logger`: one JSON object a line, with where it was written from.
 */
import { LOG_LEVELS, type LogLevel } from "../protocol/manifest.ts";
import { currentScope, type Scope } from "./scope.ts";

/** What a log line may carry besides its message; must be serialisable as JSON. */
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

/** Writes a line as `logger` does, for code that holds the scope instead of running in it. */
export function writeLog(level: LogLevel, message: string, fields: LogFields | undefined, scope: Scope | undefined): void {
  const minimum = scope?.replica.logging.level ?? "INFO";
  if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(minimum)) return;
  const context = scope?.replica.context;
  const request = scope?.request;
  const line = {
    level,
    message,
    app: context?.appName,
    deployment: context?.deployment,
    replica: context?.replicaId,
    requestId: request?.requestId,
    route: request?.routePrefix,
  };
  console[CONSOLE_METHOD[level]](toJson(fields === undefined ? line : { ...line, ...describeErrors(fields) }));
}

// An Error has no enumerable properties, so JSON would show it as {}.
function describeErrors(fields: LogFields): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [key, value instanceof Error ? (value.stack ?? String(value)) : value]),
  );
}

function toJson(line: object): string {
  try {
    return JSON.stringify(line);
  } catch {
    // A field is circular or holds a bigint. The line is worth more than the field.
    return JSON.stringify(Object.fromEntries(Object.entries(line).map(([key, value]) => [key, isScalar(value) ? value : String(value)])));
  }
}

function isScalar(value: unknown): boolean {
  return value === null || ["string", "number", "boolean", "undefined"].includes(typeof value);
}

const at = (level: LogLevel) => (message: string, fields?: LogFields) => writeLog(level, message, fields, currentScope());

/**
 * Writes JSON lines with `level`, `message`, `app`, `deployment`, `replica`, `requestId`, `route` and the fields given.
 * Lines below the deployment's `logging.level` are dropped.
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
