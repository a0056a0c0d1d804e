/**
 * Puts what went wrong while bundling or starting into the user's terms: their file, line and column.
 */
import { resolve } from "node:path";
import { Failure } from "../failure.ts";
import type { WranglerConfig } from "../project/user-config.ts";
import type { Bundle } from "./bundle.ts";
import { type Frame, shown, userFrames } from "./source-positions.ts";

interface BuildMessage {
  readonly text: string;
  readonly location: { readonly file: string; readonly line: number; readonly column: number; readonly lineText: string } | null;
}

/** What failed. */
export interface FailedRuntime {
  readonly root: string;
  readonly config: WranglerConfig;
}

/** The failure that a wrangler event or error stands for; the error itself if it is none of the user's. */
export function runtimeFailure(event: unknown, bundle: Bundle | undefined, { root, config }: FailedRuntime): unknown {
  const cause = causeOf(event);
  const messages = buildMessages(cause);
  if (messages !== undefined) return new Failure(messages.map((message) => formatBuildMessage(message, root)).join("\n"));
  const text = cause instanceof Error ? cause.message : String(cause);
  const uncaught = uncaughtOf(text);
  if (uncaught !== undefined) return new Failure(bundle === undefined ? uncaught : locateProblem(uncaught, bundle, root));
  if (/address already in use|EADDRINUSE/i.test(text))
    return new Failure(`The port is in use: ${firstLine(text)} Choose another one with --port.`);
  if (/remote proxy session/i.test(text)) return new Failure(remoteProblem(text, config));
  const [, wanted, newest] = DATE_TOO_NEW.exec(text) ?? [];
  if (newest === undefined) return cause;
  return new Failure(
    `wrangler's configuration says compatibility_date "${wanted}", and the workerd that this wrangler brings knows dates until "${newest}". ` +
      `Set compatibility_date to "${newest}" or earlier, or install a newer wrangler.`,
  );
}

function remoteProblem(text: string, config: WranglerConfig): string {
  const names = remoteBindings(config);
  const which = names.length === 0 ? "Some bindings run" : `${names.join(", ")} ${names.length === 1 ? "runs" : "run"}`;
  const needed = `${which} on Cloudflare, in your account, also under edge-serve run`;
  return NOT_LOGGED_IN.test(text)
    ? `${needed}, and you are not logged in. Run "npx wrangler login", or set CLOUDFLARE_API_TOKEN, or add --local: bindings run on this machine then, and one that has no local version fails when it is used.`
    : `${needed}, which failed: ${firstLine(text)} Add --local to run bindings on this machine; one that has no local version fails when it is used.`;
}

const NOT_LOGGED_IN = /CLOUDFLARE_API_TOKEN|not logged in|must be logged in|not authenticated|wrangler login|Authentication error/i;

/** The bindings of a configuration that reach the account: those that say so, and Workers AI, which is nowhere else. */
function remoteBindings(config: WranglerConfig): string[] {
  const names: string[] = [];
  const visit = (value: unknown, key: string) => {
    if (Array.isArray(value)) return value.forEach((item) => visit(item, key));
    if (typeof value !== "object" || value === null) return;
    const { binding, name, remote } = value as { binding?: unknown; name?: unknown; remote?: unknown };
    const called = typeof binding === "string" ? binding : name;
    if (typeof called === "string" && (remote === true || (key === "ai" && remote !== false))) names.push(called);
    for (const [inner, item] of Object.entries(value)) visit(item, inner);
  };
  for (const [key, value] of Object.entries(config)) if (key !== "env") visit(value, key);
  return names;
}

// In a line of JSON, so the quotes may be escaped.
const DATE_TOO_NEW = /requires compatibility date \\?"([\d-]+)\\?", but the newest date supported by this server binary is \\?"([\d-]+)/;

/**
 * A problem whose first lines are a message and the rest a stack: the message, with the user's position before it
 * and the user's frames after it.
 */
export function locateProblem(problem: string, bundle: Bundle, root: string): string {
  const rows = problem.split("\n");
  const message = rows
    .filter((row) => !/^\s*at /.test(row))
    .join("\n")
    .replace(/^(?:Error: )?ConfigError: /, "");
  const frames = userFrames(problem, bundle, root);
  const [first, ...callers] = frames;
  if (first === undefined) return message;
  return [`${first.position}  ${message}`, ...callers.map(formatFrame)].join("\n");
}

function formatFrame({ name, position }: Frame): string {
  return name === "" ? `    at ${position}` : `    at ${name} (${position})`;
}

function causeOf(event: unknown): unknown {
  const isEvent = typeof event === "object" && event !== null && "cause" in event && !(event instanceof Error);
  return isEvent ? event.cause : event;
}

function buildMessages(cause: unknown): BuildMessage[] | undefined {
  for (let error = cause; typeof error === "object" && error !== null; error = (error as { cause?: unknown }).cause) {
    const { errors } = error as { errors?: unknown };
    if (Array.isArray(errors) && errors.length > 0) return errors as BuildMessage[];
  }
  return undefined;
}

function formatBuildMessage({ text, location }: BuildMessage, root: string): string {
  if (location === null) return text;
  if (text.startsWith('Could not resolve "edge-serve')) {
    return `${text}: edge-serve is not installed in ${root}. Run npm install edge-serve there.`;
  }
  const { file, line, column, lineText } = location;
  const hint = /^Could not resolve ".*\.edge-serve\/worker(?:\.[jt]s)?"/.test(text) ? `: ${importedElsewhere(root)}` : "";
  const caret = `    ${lineText.slice(0, column).replaceAll(/[^\t]/g, " ")}^`;
  return `${shown(resolve(root, file), root)}:${line}:${column + 1}  ${text}${hint}\n    ${lineText}\n${caret}`;
}

/** What to do where something else than `main` itself imports the generated entry, which would then import itself. */
export function importedElsewhere(root: string): string {
  return (
    `only the module that main of wrangler's configuration names may import .edge-serve/worker.ts, which is generated in ${root}, ` +
    "with an import declaration of its own. Import it there, and hand it on to the modules that need it."
  );
}

/** What the runtime says of an exception at the top level of a module: message and stack, without its own preamble. */
function uncaughtOf(text: string): string | undefined {
  for (const row of text.split("\n")) {
    const message = logMessage(row.trim());
    const uncaught = /Uncaught (?:\(in promise\) )?([^]*)$/.exec(message ?? "");
    if (uncaught?.[1] !== undefined) return uncaught[1];
  }
  return /Uncaught (?:\(in promise\) )?([^]*?)(?=\n {4}at (?:StartupLogBuffer|async|process)|$)/.exec(text)?.[1];
}

function logMessage(row: string): string | undefined {
  if (!row.startsWith("{")) return undefined;
  try {
    return (JSON.parse(row) as { message?: string }).message;
  } catch {
    // Not a structured log line after all.
    return undefined;
  }
}

function firstLine(text: string): string {
  return `${(text.split("\n")[0] ?? "").replace(/\.$/, "")}.`;
}
