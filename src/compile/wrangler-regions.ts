/**
 * The text that edge-serve writes into `wrangler.toml`.
 */

/** Top-level settings that the file needs. */
export interface WantedSettings {
  readonly main: string;
  readonly compatibilityDate: string;
  readonly compatibilityFlags: readonly string[];
}

/** What the file has to say. */
export interface WantedBlock extends WantedSettings {
  /** For errors, and for the name of a new file's Worker. */
  readonly file: string;
  readonly workerName: string;
  /** The Durable Object classes of the deployments. */
  readonly classes: readonly string[];
  /** Deletes the classes that are gone, and with them their objects' data. */
  readonly prune: boolean;
}

/** The lines of a region, both marks included. */
export interface Region {
  readonly kind: "head" | "classes";
  readonly firstLine: number;
  readonly lastLine: number;
}

/** The comment lines that enclose each region. A line counts if it starts so. */
export const MARKS = {
  head: { open: "# >>> edge-serve settings", close: "# <<< edge-serve settings" },
  classes: { open: "# >>> edge-serve classes", close: "# <<< edge-serve classes" },
} as const;

const BY = "written by edge-serve build; changes here are lost";

/** The region with the Durable Object classes, or "" if there are none. */
export function classRegion(classes: { live: readonly string[]; retired: readonly string[]; deleted: readonly string[] }): string {
  const parts = [
    ...classes.live.map(declaration),
    ...classes.retired.map(
      (name, index) =>
        (index === 0 ? "# Gone from the application. Kept with its data; edge-serve build --prune deletes both.\n" : "") +
        declaration(name),
    ),
    ...classes.deleted.map(
      (name, index) =>
        (index === 0 ? "# Deleted, with its data, by the next deploy.\n" : "") +
        `[exports.${name}]\ntype = "durable-object"\nstate = "deleted"\n`,
    ),
  ];
  if (parts.length === 0) return "";
  return `${MARKS.classes.open}: ${BY}\n${parts.join("\n")}${MARKS.classes.close}\n`;
}

function declaration(name: string): string {
  return `[exports.${name}]\ntype = "durable-object"\nstorage = "sqlite"\n`;
}

/** The region with the settings that `user`, the file without regions, does not give; "" if it gives all. */
export function headRegion(wanted: WantedSettings, user: Readonly<Record<string, unknown>>): string {
  const lines = settingLines(wanted).filter(([key]) => user[key] === undefined);
  if (lines.length === 0) return "";
  return `${MARKS.head.open}: ${BY}\n${lines.map(([, line]) => line).join("")}${MARKS.head.close}\n`;
}

/** A whole new file. */
export function freshFile(name: string, wanted: WantedSettings, classes: string): string {
  return [
    "# The Worker's configuration: https://developers.cloudflare.com/workers/wrangler/configuration/\n",
    `name = ${JSON.stringify(name)}\n`,
    ...settingLines(wanted).map(([, line]) => line),
    "\n[observability]\nenabled = true\n\n",
    classes,
  ].join("");
}

function settingLines({ main, compatibilityDate, compatibilityFlags }: WantedSettings): (readonly [string, string])[] {
  const flags = compatibilityFlags.map((flag) => JSON.stringify(flag)).join(", ");
  return [
    ["main", `main = ${JSON.stringify(main)}\n`],
    ["compatibility_date", `compatibility_date = ${JSON.stringify(compatibilityDate)}\n`],
    ["compatibility_flags", `compatibility_flags = [${flags}]\n`],
  ];
}
