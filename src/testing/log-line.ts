/**
 * The log of a server under test, line by line.
 */
import type { LogLevel } from "../protocol/manifest.ts";

/** What is known of a line besides its text. */
interface LogLineParts {
  readonly level: LogLevel;
  readonly message: string;
  readonly timestamp: number;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A line of the log: the text as it was written, with what it says as properties. */
export class LogLine extends String {
  readonly level: LogLevel;
  /** The text of a `console` call; of a structured line, its message. */
  readonly message: string;
  /** When it was written, in milliseconds since 1970. */
  readonly timestamp: number;
  readonly app: string | undefined;
  readonly deployment: string | undefined;
  readonly replica: string | undefined;
  readonly requestId: string | undefined;
  readonly route: string | undefined;
  /** All fields of a structured line but its level and message: those above, and those the application gave. */
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(text: string, { level, message, timestamp, fields }: LogLineParts) {
    super(text);
    this.level = level;
    this.message = message;
    this.timestamp = timestamp;
    this.fields = fields;
    const named = (name: string) => (typeof fields[name] === "string" ? fields[name] : undefined);
    this.app = named("app");
    this.deployment = named("deployment");
    this.replica = named("replica");
    this.requestId = named("requestId");
    this.route = named("route");
  }
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
export function toLogLine({ level, message, timestamp }: { level: string; message: string; timestamp: number | string }): LogLine {
  const { message: text, level: own, ...fields } = jsonObject(message);
  return new LogLine(message, {
    level: levelOf(own) ?? levelOf(level) ?? "INFO",
    message: typeof text === "string" ? text : message,
    timestamp: Number(timestamp),
    fields: typeof text === "string" ? fields : {},
  });
}

/** The fields that say where a line was written. */
const OF_EACH_LINE: ReadonlySet<string> = new Set(["app", "deployment", "replica", "requestId", "route", "timestamp", "traceId", "spanId"]);

/** A line as a person reads it: its level, where it was written, and an error's stack row by row. */
export function forPeople({ level, message, app, deployment, requestId, fields }: LogLine): string {
  const place = app === undefined || deployment === undefined ? [] : [`${app}/${deployment}`];
  const head = [level, ...place, ...(requestId === undefined ? [] : [requestId])].join(" ");
  const { error, ...others } = fields;
  // A stack begins with the message.
  const text = typeof error !== "string" ? message : error.includes(message) ? error : `${message}\n${error}`;
  const given = Object.fromEntries(Object.entries(others).filter(([name]) => !OF_EACH_LINE.has(name)));
  return `edge-serve: ${head}: ${text}${Object.keys(given).length === 0 ? "" : ` ${JSON.stringify(given)}`}`;
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
