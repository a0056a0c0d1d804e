/**
 * The log of a server under test, line by line.
 */

/** A line of the log. */
export interface LogLine {
  readonly level: "DEBUG" | "INFO" | "WARNING" | "ERROR";
  /** The text of a `console` call; of a structured line, its message. */
  readonly message: string;
  /** When it was written, in milliseconds since 1970. */
  readonly timestamp: number;
  /** The other fields of a structured line: `app`, `deployment`, `replica`, `requestId`, and those the application gave. */
  readonly fields: Readonly<Record<string, unknown>>;
}

const LEVELS: Readonly<Record<string, LogLine["level"]>> = {
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
  return {
    level: levelOf(own) ?? levelOf(level) ?? "INFO",
    message: typeof text === "string" ? text : message,
    timestamp: Number(timestamp),
    fields: typeof text === "string" ? fields : {},
  };
}

function levelOf(level: unknown): LogLine["level"] | undefined {
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
