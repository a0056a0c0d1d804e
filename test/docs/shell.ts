/**
 * The little of a shell that the documentation needs: words, `curl`, and whether a command exists.
 */
import { existsSync, readFileSync } from "node:fs";
import { runCli } from "../../src/cli/program.ts";

/** The words of a command line, quotes resolved, without its comment. */
export function wordsOf(command: string): string[] {
  const words = command.match(/(?:[^\s'"#]|'[^']*'|"[^"]*"|(?<=\S)#)+|#.*/g) ?? [];
  return words.filter((word) => !word.startsWith("#")).map((word) => word.replaceAll(/'([^']*)'|"([^"]*)"/g, "$1$2"));
}

const METHOD_FLAGS = ["-X", "--request"];
const HEADER_FLAGS = ["-H", "--header"];
const BODY_FLAGS = ["-d", "--data"];
const QUIET_FLAGS = ["-N", "-s"];
const ORIGIN = "http://localhost:8787";

/** The request that a `curl` command makes, as the arguments of `server.fetch`. */
export function curlRequest(command: string): [path: string, init: RequestInit] {
  const [program, ...words] = wordsOf(command);
  if (program !== "curl") throw new Error(`A block that is served can use curl only, and this uses ${program}: ${command}`);
  let url: string | undefined;
  let method: string | undefined;
  let body: string | undefined;
  const headers: [string, string][] = [];
  while (words.length > 0) {
    const word = words.shift()!;
    if (METHOD_FLAGS.includes(word)) method = words.shift()!;
    else if (BODY_FLAGS.includes(word)) body = words.shift()!;
    else if (HEADER_FLAGS.includes(word)) headers.push(/^([^:]+): *(.*)$/.exec(words.shift()!)!.slice(1) as [string, string]);
    else if (word.startsWith(`${ORIGIN}/`)) url = word;
    else if (!QUIET_FLAGS.includes(word)) throw new Error(`The documentation's curl knows no ${word}; it asks ${ORIGIN}/: ${command}`);
  }
  if (url === undefined) throw new Error(`There is no URL at ${ORIGIN}/ in: ${command}`);
  return [
    url.slice(ORIGIN.length),
    { method: method ?? (body === undefined ? "GET" : "POST"), headers, ...(body === undefined ? {} : { body }) },
  ];
}

/** Programs that are not this project's, each with the subcommands that the documentation may use. */
const KNOWN: Readonly<Record<string, readonly string[]>> = {
  cd: [],
  curl: [],
  git: ["clone"],
  npm: ["ci", "install", "pack"],
  wrangler: ["deploy", "dev", "secret", "tail", "types"],
};

/** What keeps a command from existing; `undefined` for one that does. `packageFile` has the scripts that `npm run` may name. */
export async function problemWith(command: string, packageFile: string): Promise<string | undefined> {
  const [program, ...words] = wordsOf(command).filter((word, index) => index > 0 || word !== "$");
  if (program === undefined) return undefined;
  if (program === "npx")
    return problemWith(words.filter((word, index) => !isNpxFlag(word) || index > words.indexOf("edge-serve")).join(" "), packageFile);
  if (program === "edge-serve") return problemWithOwn(words);
  if (program === "node") return existsSync(words[0] ?? "") ? undefined : `there is no file ${words[0]}`;
  if (program === "npm" && !KNOWN["npm"]!.includes(words[0] ?? "")) return problemWithScript(words, packageFile);
  const subcommands = KNOWN[program];
  if (subcommands === undefined) return `${program} is not among the programs that test/docs/shell.ts knows`;
  return subcommands.length === 0 || subcommands.includes(words[0] ?? "") ? undefined : `${program} ${words[0]} is not known`;
}

function isNpxFlag(word: string): boolean {
  return word.startsWith("--package=") || word === "--yes";
}

function problemWithScript(words: readonly string[], packageFile: string): string | undefined {
  const name = words[0] === "run" ? words[1] : words[0];
  const { scripts = {} } = JSON.parse(readFileSync(packageFile, "utf8")) as { scripts?: Record<string, string> };
  return name !== undefined && name in scripts ? undefined : `${packageFile} has no script ${name}`;
}

async function problemWithOwn([name = "", ...rest]: readonly string[]): Promise<string | undefined> {
  let help = "";
  const hear = (text: string) => void (help += text);
  const io = { out: hear, err: hear, cwd: process.cwd(), env: process.env, signal: new AbortController().signal };
  if ((await runCli([name, "--help"], io)) !== 0 || !help.includes(`edge-serve ${name} `)) return `there is no command edge-serve ${name}`;
  const unknown = rest.find((word) => word.startsWith("-") && !new RegExp(`^\\s+(?:-\\w, )?${word.split("=")[0]}\\b`, "m").test(help));
  return unknown === undefined ? undefined : `edge-serve ${name} has no option ${unknown}`;
}
