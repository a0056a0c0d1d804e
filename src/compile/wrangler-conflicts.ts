/**
 * What the user's part of `wrangler.toml` may say that the generated part cannot live with.
 */
import type { TomlLine } from "./toml-lines.ts";
import { MARKS, type Region, type WantedBlock } from "./wrangler-regions.ts";

/** A problem and the line it is about. */
export interface LineProblem {
  readonly line: number;
  readonly problem: string;
}

interface View {
  /** The file without the regions, parsed. */
  readonly user: Readonly<Record<string, unknown>>;
  /** The whole file's statements. */
  readonly lines: readonly TomlLine[];
  readonly wanted: WantedBlock;
}

/** The oldest compatibility date to run on: node:async_hooks is there without a flag from then on. */
export const OLDEST_DATE = "2026-08-04";
// The request's signal aborts when the client goes, without a flag, from this date on.
const REQUEST_SIGNAL_DATE = "2026-11-17";

/** What has to be changed by hand before the file can be brought in step. */
export function conflicts({ user, lines, regions, wanted }: View & { readonly regions: readonly Region[] }): LineProblem[] {
  const problems: LineProblem[] = [];
  const isOurs = (line: number) => regions.some(({ firstLine, lastLine }) => firstLine <= line && line <= lastLine);
  const lineOf = (...path: string[]) =>
    lines.find((entry) => !isOurs(entry.firstLine) && path.every((part, index) => entry.path[index] === part))?.firstLine ?? 1;

  if (Array.isArray(user["migrations"]) && user["migrations"].length > 0) {
    problems.push({
      line: lineOf("migrations"),
      problem:
        "[[migrations]] and [exports.<Class>] exclude each other, and edge-serve declares its classes with the latter. " +
        'Replace each class of your migrations by a table [exports.<Class>] with type = "durable-object" and storage = "sqlite".',
    });
  }
  const exported = user["exports"];
  if (exported !== undefined && lines.some(({ kind, path }) => kind === "pair" && path.length === 1 && path[0] === "exports")) {
    problems.push({
      line: lineOf("exports"),
      problem: "exports is an inline table, which no table can be added to. Write each class as a table [exports.<Class>].",
    });
  }
  const block = regions.find(({ kind }) => kind === "classes");
  for (const name of wanted.classes.filter(
    (candidate) => typeof exported === "object" && exported !== null && Object.hasOwn(exported, candidate),
  )) {
    const where = block === undefined ? "" : ` in the block that starts at line ${block.firstLine}`;
    problems.push({
      line: lineOf("exports", name),
      problem: `[exports.${name}] is also written by edge-serve${where === "" ? "" : `,${where}`}. Remove yours, or rename the deployment.`,
    });
  }
  const date = user["compatibility_date"];
  if (typeof date === "string" && date < OLDEST_DATE) {
    problems.push({
      line: lineOf("compatibility_date"),
      problem:
        `compatibility_date is ${JSON.stringify(date)}. edge-serve needs ${JSON.stringify(OLDEST_DATE)} or later, ` +
        "from which node:async_hooks is there without a flag.",
    });
  }
  return problems;
}

/** What the file may keep, but its author should know. */
export function warnings({ user, lines, wanted }: View): string[] {
  const found: string[] = [];
  const at = (key: string) => `${wanted.file}:${lines.find(({ path }) => path.length === 1 && path[0] === key)?.firstLine ?? 1}`;
  const { main, compatibility_flags: flags, compatibility_date: date } = user;
  if (typeof main === "string" && main.replace(/^\.\//, "") !== wanted.main) {
    found.push(
      `${at("main")}: main is ${JSON.stringify(main)}, so the Worker starts there and not in ${JSON.stringify(wanted.main)}. ` +
        `Set main to ${JSON.stringify(wanted.main)}, or re-export its classes and its default from yours.`,
    );
  }
  const hasSignal = typeof date === "string" && date >= REQUEST_SIGNAL_DATE;
  if (Array.isArray(flags) && !hasSignal && !flags.includes("enable_request_signal")) {
    found.push(
      `${at("compatibility_flags")}: compatibility_flags lacks "enable_request_signal", ` +
        "so a client that goes away does not cancel its request. " +
        `Add it, or set compatibility_date to ${JSON.stringify(REQUEST_SIGNAL_DATE)} or later.`,
    );
  }
  return found;
}

/** Values of the user's inside a region, or after one and so in its last table: they would be lost, or change their meaning. */
export function strayLines(lines: readonly TomlLine[], text: string): LineProblem[] {
  const rows = text.split("\n");
  const close = lines.findIndex(({ kind, firstLine }) => kind === "comment" && rows[firstLine - 1]!.trim().startsWith(MARKS.classes.close));
  if (close < 0) return [];
  const next = lines.slice(close + 1).find(({ kind }) => kind !== "comment" && kind !== "blank");
  if (next?.kind !== "pair") return [];
  return [
    {
      line: next.firstLine,
      problem:
        `${next.path.at(-1) ?? "This"} stands after the block written by edge-serve, so it belongs to ${tableOf(next)}. ` +
        "Move it above the first table, or under a table of its own.",
    },
  ];
}

function tableOf({ path }: TomlLine): string {
  return `[${path.slice(0, -1).join(".")}]`;
}
