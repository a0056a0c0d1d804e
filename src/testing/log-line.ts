/**
 * The log of a server under test, line by line.
 */
import { givenFields, type LogRecord, ownRows, recordOf, textOf } from "../cli/runtime/log-record.ts";
import type { LogLevel } from "../protocol/manifest.ts";

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

  constructor(text: string, { level, message, timestamp, fields }: LogRecord) {
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

/** Reads a line of the runtime's log: a JSON object in it, as `serve.logger` writes, becomes level, message and fields. */
export function toLogLine(line: { level: string; message: string; timestamp: number | string }): LogLine {
  return new LogLine(line.message, recordOf(line));
}

/** A line as a person reads it: its level, where it was written, and an error's stack row by row, with the frames of the user's files. */
export function forPeople(line: LogLine): string {
  const { level, app, deployment, requestId } = line;
  const place = app === undefined || deployment === undefined ? [] : [`${app}/${deployment}`];
  const head = [level, ...place, ...(requestId === undefined ? [] : [requestId])].join(" ");
  const given = givenFields(line);
  const text = ownRows(textOf(line).split("\n")).join("\n");
  return `edge-serve: ${head}: ${text}${Object.keys(given).length === 0 ? "" : ` ${JSON.stringify(given)}`}`;
}
