import { existsSync, readFileSync } from "node:fs";
import { relative, resolve } from "node:path";
import { parse } from "yaml";
import { type Diagnostic, formatDiagnostics, hasErrors } from "../../config/diagnostics.ts";
import { configPosition, parseConfigText } from "../../config/parse-file.ts";
import type { Command, Io } from "../command.ts";
import { EXIT, Failure } from "../failure.ts";
import { connect, URL_OPTION } from "../operator/connect.ts";
import { timeoutOf, WAIT_OPTIONS, waitForRunning } from "../operator/wait.ts";

/** Puts a config file in force on the code that is deployed. */
export const apply: Command = {
  name: "apply",
  summary: "Apply a config file to a running system, without a deploy, and wait until it runs.",
  args: [{ name: "[file]", summary: "a config file (default: serve.yaml)" }],
  options: [URL_OPTION, ...WAIT_OPTIONS],
  examples: ["edge-serve apply", "edge-serve apply night.yaml --url https://my-app.my-account.workers.dev", "edge-serve apply --no-wait"],
  run: async ({ args: [label = "serve.yaml"], options }, io) => {
    const timeoutMs = timeoutOf(options["timeout"]);
    const { document, apps, diagnostics: local } = readConfig(label, io);
    const client = connect(options, io);
    const { isAccepted, diagnostics } = await client.put(document);
    const known = new Set(local.map(({ message }) => message));
    const news = placed(
      diagnostics.filter(({ message }) => !known.has(message)),
      resolve(io.cwd, label),
      label,
    );
    if (!isAccepted) throw new Failure(`${client.origin} refuses the document, and nothing has changed:\n${formatDiagnostics(news)}`);
    const warnings = formatDiagnostics([...local, ...news]);
    if (warnings !== "") io.err(`${warnings}\n`);
    io.out(`Applied ${label}: ${apps.length === 0 ? "no application" : apps.join(", ")}.\n`);
    if (options["wait"] !== false) await waitForRunning(client, { apps, timeoutMs }, io);
    return EXIT.ok;
  },
};

interface ReadConfig {
  /** As it is written, in JSON. */
  readonly document: unknown;
  readonly apps: readonly string[];
  readonly diagnostics: readonly Diagnostic[];
}

function readConfig(label: string, { cwd }: Io): ReadConfig {
  const file = resolve(cwd, label);
  if (!existsSync(file)) throw new Failure(`There is no file ${label} in ${cwd}. Name a config file, such as serve.yaml.`);
  const text = readFileSync(file, "utf8");
  const { config, diagnostics } = parseConfigText(text, relative(cwd, file) || label);
  if (config === undefined || hasErrors(diagnostics)) throw new Failure(formatDiagnostics(diagnostics));
  // Parsed once more, because what was read above is in code's spelling.
  return { document: parse(text, { merge: true, logLevel: "silent" }), apps: config.applications.map(({ name }) => name), diagnostics };
}

const STEP = /\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]|\.?([A-Za-z_$][\w$-]*)/g;

/** Diagnostics that were made far away, with their places in the file that the document came from. */
function placed(diagnostics: readonly Diagnostic[], file: string, label: string): Diagnostic[] {
  const text = readFileSync(file, "utf8");
  return diagnostics.map((diagnostic) => {
    const [, line = "1", column = "1"] = /:(\d+):(\d+)$/.exec(configPosition(text, label, segmentsOf(diagnostic.path))) ?? [];
    return { ...diagnostic, file: label, line: Number(line), column: Number(column) };
  });
}

/** `applications[0].name` as `["applications", 0, "name"]`. */
export function segmentsOf(path: string): (string | number)[] {
  return [...path.matchAll(STEP)].map(([, index, quoted, plain]) => {
    if (index !== undefined) return Number(index);
    return quoted === undefined ? plain! : (JSON.parse(quoted) as string);
  });
}
