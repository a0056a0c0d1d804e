/**
 * The page `docs/options.md`: every option, by table.
 */
import { acceptedBy, keyOf, type Option, type OptionTable } from "../../src/api/option-table.ts";
import {
  AUTOSCALING_OPTIONS,
  BACKPRESSURE_OPTIONS,
  DEPLOYMENT_OPTIONS,
  LOGGING_OPTIONS,
  PLACEMENT_OPTIONS,
  RETRY_OPTIONS,
  SCHEDULE_OPTIONS,
  TASK_OPTIONS,
} from "../../src/api/options.ts";
import { ADAPTIVE_OPTIONS, BATCH_OPTIONS } from "../../src/batching/options.ts";
import { POLICY_OPTIONS } from "../../src/config/policy-config.ts";
import { inSeconds } from "../../src/config/read-section.ts";
import { CANARY_OPTIONS, ROUTE_OPTIONS, SHARE_OPTIONS } from "../../src/config/route-options.ts";
import { APPLICATION_OPTIONS, HTTP_OPTIONS, SYSTEM_OPTIONS } from "../../src/config/system-options.ts";
import { MULTIPLEXED_OPTIONS } from "../../src/multiplexing/multiplexed.ts";
import type { OptionDoc, OptionDocs } from "./docs.ts";
import { inFileSpelling, withCommas } from "./spelling.ts";

/** A part of the page. */
interface Section {
  readonly title: string;
  readonly intro: string;
  readonly table: OptionTable;
  /** Where its options can be said. */
  readonly said: "in code and file" | "in code" | "in file";
}

const SECTIONS: readonly Section[] = [
  {
    title: "Deployments",
    intro:
      "The second argument of `serve.deployment(target, options)`, what `.options(options)` changes, and an entry of `deployments` in a config file, where `name` says which deployment the entry is about. What a config file says goes before what the code says, option by option.",
    table: DEPLOYMENT_OPTIONS,
    said: "in code and file",
  },
  {
    title: "autoscaling",
    intro: "`minReplicas <= initialReplicas <= maxReplicas`.",
    table: AUTOSCALING_OPTIONS,
    said: "in code and file",
  },
  { title: "placement", intro: "Where replicas are put.", table: PLACEMENT_OPTIONS, said: "in code and file" },
  { title: "retries", intro: "What is done with a request whose replica is lost.", table: RETRY_OPTIONS, said: "in code and file" },
  { title: "backpressure", intro: "The HTTP answer to a full queue.", table: BACKPRESSURE_OPTIONS, said: "in code and file" },
  { title: "tasks", intro: "What is done with enqueued calls.", table: TASK_OPTIONS, said: "in code and file" },
  { title: "schedules", intro: "An entry of `schedules`.", table: SCHEDULE_OPTIONS, said: "in code and file" },
  {
    title: "logging",
    intro: "What is logged. A deployment says it, its application (`logging_config`), or the system; the nearest counts, option by option.",
    table: LOGGING_OPTIONS,
    said: "in code and file",
  },
  {
    title: "serve.batch",
    intro: "The second argument of `serve.batch(fn, options)`; see [Batching](batching.md).",
    table: BATCH_OPTIONS,
    said: "in code",
  },
  { title: "adaptive", intro: "Of `serve.batch`.", table: ADAPTIVE_OPTIONS, said: "in code" },
  {
    title: "serve.multiplexed",
    intro: "The second argument of `serve.multiplexed(load, options)`; see [Multiplexing](multiplexing.md). `maxBytes` needs `sizeOf`.",
    table: MULTIPLEXED_OPTIONS,
    said: "in code",
  },
  { title: "The system", intro: "A config file as a whole.", table: SYSTEM_OPTIONS, said: "in file" },
  { title: "http_options", intro: "How HTTP requests are received.", table: HTTP_OPTIONS, said: "in file" },
  { title: "Applications", intro: "An entry of `applications`.", table: APPLICATION_OPTIONS, said: "in file" },
  {
    title: "Policies",
    intro: "`autoscaling_policy` of an application, and `policy` in `autoscaling_config` of a deployment.",
    table: POLICY_OPTIONS,
    said: "in file",
  },
  {
    title: "Routes",
    intro: "An entry of `routes`, which has `split` or `canary`; see [Traffic](traffic.md).",
    table: ROUTE_OPTIONS,
    said: "in file",
  },
  { title: "Shares", intro: "An entry of `split`, and `shadow`.", table: SHARE_OPTIONS, said: "in file" },
  { title: "canary", intro: "Of a route; see [Traffic](traffic.md#canaries).", table: CANARY_OPTIONS, said: "in file" },
];

const HEAD = `# Options

Every option, made of [the tables](../CONTRIBUTING.md#adding-an-option) that check them (\`npm run options\`).

An option that is unknown, of a wrong type or out of its range is refused where it is written: in code with a \`ConfigError\`, in a config
file and by \`PUT /-/api/applications\` with a diagnostic. Both name the application or deployment, the option, the value and what is accepted.

In code times are in milliseconds, and their names end in \`Ms\`. In a config file, which is spelled as Ray Serve's, they are in seconds, and
their keys end in \`_s\`: 1,000 of the one are 1 of the other, in ranges and defaults too. The
[JSON Schema](../schema/serve.schema.json) of a config file is made of the same tables.
`;

/** The page's text. */
export function optionsPage(docs: OptionDocs): string {
  return [HEAD, ...SECTIONS.map((section) => sectionText(section, docs))].join("\n");
}

function sectionText({ title, intro, table, said }: Section, docs: OptionDocs): string {
  const of = docs.get(table);
  if (of === undefined) throw new Error(`The doc comments of the table of ${title} are not read: see scripts/options/docs.ts.`);
  const columns = { "in code and file": ["option", "in a file"], "in code": ["option"], "in file": ["key"] }[said];
  const head = [...columns, "meaning", "unit", "accepted", "default"];
  const rows = Object.entries(table).map(([name, option]) => row(name, option, { table, said, doc: of[name]! }));
  const more = Object.keys(table).flatMap((name) => (of[name]!.more.length > 0 ? [`\`${name}\`: ${of[name]!.more.join("\n\n")}`] : []));
  const lines = [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
  return [`## ${title}`, "", intro, "", ...lines, "", ...more.flatMap((paragraph) => [paragraph, ""])].join("\n");
}

interface Of {
  readonly table: OptionTable;
  readonly said: Section["said"];
  readonly doc: OptionDoc;
}

function row(name: string, option: Option, { table, said, doc }: Of): string[] {
  const isOfFile = said === "in file";
  const key = keyOf(name, option);
  const unit = unitOf(name);
  const names = { "in code and file": [name, key], "in code": [name], "in file": [key] }[said].map((one) => `\`${one}\``);
  const accepted = isOfFile && unit === "ms" ? inSeconds(acceptedBy(option.schema)).replace(" seconds", "") : acceptedBy(option.schema);
  const text = (words: string) => (isOfFile ? inFileSpelling(words, [table, DEPLOYMENT_OPTIONS]) : words);
  return [
    ...names,
    text(doc.meaning),
    { ms: isOfFile ? "s" : said === "in code" ? "ms" : "ms; s in a file", bytes: "bytes", "": "" }[unit],
    option.fields === undefined ? readable(accepted) : `[an object](#${anchorOf(option.fields)})`,
    option.required === true
      ? "has to be given"
      : text(isOfFile && unit === "ms" ? inSecondsOf(option, doc) : (doc.byDefault ?? (option.fields === undefined ? "none" : ""))),
  ].map((cell) => cell.replaceAll("|", "\\|"));
}

function inSecondsOf({ default: byDefault }: Option, doc: OptionDoc): string {
  return typeof byDefault === "number" ? `\`${byDefault / 1000}\`` : (doc.byDefault ?? "none");
}

function unitOf(name: string): "ms" | "bytes" | "" {
  if (name.endsWith("Ms")) return "ms";
  return name.endsWith("Bytes") ? "bytes" : "";
}

/** Numbers in groups of three digits, and what is quoted as code. */
function readable(accepted: string): string {
  return withCommas(accepted.replaceAll(/"[^"]*"/g, (quoted) => `\`${quoted}\``));
}

function anchorOf(fields: OptionTable): string {
  const section = SECTIONS.find(({ table }) => table === fields);
  if (section === undefined) throw new Error(`A table with ${Object.keys(fields).join(", ")} has no section in scripts/options/page.ts.`);
  return section.title.toLowerCase().replaceAll(".", "").replaceAll(" ", "-");
}
