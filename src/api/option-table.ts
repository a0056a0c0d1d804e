/**
 * Tables of options: what an entry says, and what is made of a table.
 *
 * Owns: the type that an author sees, what is accepted, the defaults, how options from two places become one, the spelling in a config
 * file. Does not own: which options there are (`options.ts`, `batching/options.ts`, `multiplexing/multiplexed.ts`), the sentences about them:
 * those are the doc comments of the entries, so that an editor shows them and no bundle holds them.
 *
 * Invariants:
 *   O1. Whatever is known of an option is said in its entry.
 *   O2. What is checked takes time by its size, whatever is in it.
 */
import * as v from "valibot";
import { ConfigError } from "../protocol/errors.ts";
import { isRecord, own } from "../protocol/own.ts";
import { closest, show } from "../protocol/wording.ts";
import { asValibot } from "./as-valibot.ts";
import type { Accepts } from "./option-values.ts";

/** What an entry may say besides what the option takes. */
interface More<T> {
  /** What holds where the option is left out; `null` is for none. An object of options has those of its options, unless it is `null`. */
  readonly default?: T | null;
  /** The option of the same table, further up, whose value holds where this one is left out. */
  readonly follows?: string;
  /** Its key in a config file, where {@link keyOf} does not find it. */
  readonly key?: string;
  /** `null` in a config file is the same as leaving it out, as in Ray Serve. */
  readonly nullable?: boolean;
  /** It has to be given; others may be left out. */
  readonly required?: boolean;
  /** A word that may stand in the place of an object of options. */
  readonly word?: string;
}

/** An entry of a table: an option that takes a `T`. Its name has its unit in it: `...Ms`, `...Bytes`. */
export interface Option<out T = unknown> extends More<T> {
  /** What is accepted. */
  readonly schema: Accepts<T>;
  /** The options in it, where it is an object of some. */
  readonly fields?: OptionTable;
}

/** Options by name. */
export interface OptionTable {
  readonly [name: string]: Option;
}

/** A table whose options, with their defaults, are the fields of `Config`: one that either lacks is an error where the table is written. */
export type TableOf<Config> = { readonly [K in keyof Config]-?: Option<Given<Exclude<Config[K], null | undefined>>> };

/** Of an object of options an author gives some. */
type Given<V> = V extends readonly unknown[] | ((...args: never[]) => unknown) ? V : V extends object ? Partial<V> : V;

/**
 * What an author may give for the options of a table, with its doc comments. `Special` has the types of options that depend on the
 * author's own.
 */
export type OptionsOf<T extends OptionTable, Special = unknown> = {
  readonly [K in keyof T]?: K extends keyof Special ? Special[K] : T[K] extends Option<infer V> ? V : never;
};

/**
 * A second base of an interface that has all its members from {@link OptionsOf}: with a single one, errors of the compiler would not call
 * it by its own name.
 */
export interface Named {}

/** An entry for one value. */
export function option<T>(schema: Accepts<T>, more: More<NoInfer<T>> = {}): Option<T> {
  return { schema, ...more };
}

/** An entry for an object of options. `T` is what an author gives. */
export function group<T>(fields: OptionTable & Readonly<Record<keyof T, Option>>, more: More<T> = {}, accepted?: string): Option<T> {
  return { ...more, fields, schema: schemaOf<T>(fields, accepted) };
}

/** An entry for an object of options, or a word in its place. */
export function groupOrWord<T, const W extends string>(
  fields: OptionTable & Readonly<Record<keyof T, Option>>,
  word: W,
  more: More<T> = {},
): Option<T | W> {
  const object = schemaOf<T>(fields, `an object, or ${JSON.stringify(word)}`);
  // Not a union: what is wrong inside of the object is said with its path.
  const schema = v.lazy((value): v.GenericSchema => (value === word ? v.picklist([word]) : (object as v.GenericSchema)));
  return { ...more, word, fields, schema: schema as Accepts<T | W> };
}

/** A group's entry with other options in it. */
export function regrouped<T>(entry: Option<object>, fields: OptionTable & Readonly<Record<keyof T, Option>>): Option<T> {
  const { schema: _1, fields: _2, ...more } = entry;
  return group<T>(fields, more as More<T>);
}

/** What a whole table accepts: an object with these options and no others. `T` is what an author gives. */
export function schemaOf<T = object>(table: OptionTable & Readonly<Record<keyof T, Option>>, accepted = "an object"): Accepts<T> {
  const entries = Object.entries(table).map(([name, { schema }]) => [name, v.optional(asValibot(schema))] as const);
  // Without a prototype: valibot asks whether a name is `in` it, and every object has a `constructor`.
  const known = Object.assign(Object.create(null) as Record<string, v.GenericSchema>, Object.fromEntries(entries));
  return v.pipe(v.custom<object>(isRecord, accepted), v.strictObject(known, accepted)) as v.GenericSchema<
    unknown,
    object
  > as Accepts<object> as Accepts<T>;
}

/** Something that is wrong with options, and where. */
export interface OptionProblem {
  readonly path: readonly string[];
  /** A sentence that names the option, the value seen, and what is accepted. */
  readonly problem: string;
}

/** What is wrong with `options`, one entry a problem; empty when they are accepted. `schema` is the table's. */
export function problemsOf(table: OptionTable, schema: Accepts<unknown>, options: unknown): OptionProblem[] {
  const { issues = [] } = v.safeParse(asValibot(schema), options, { abortPipeEarly: true });
  return [...issues.map((issue) => describeIssue(issue, table)), ...missingIn(table, options)];
}

/** {@link problemsOf} for the value of one option, which has to be one. */
export function valueProblems(name: string, entry: Option, value: unknown): OptionProblem[] {
  const { issues = [] } = v.safeParse(asValibot(entry.schema), value, { abortPipeEarly: true });
  return issues.map((issue) => describeIssue(issue, { [name]: entry }, [name]));
}

function describeIssue(issue: v.BaseIssue<unknown>, table: OptionTable, at: readonly string[] = []): OptionProblem {
  const path = [...at, ...(issue.path ?? []).map(({ key }) => String(key))];
  const where = path.join(".");
  if (issue.expected === "never") {
    const known = Object.keys(path.slice(0, -1).reduce((fields, name) => own(fields, name)?.fields ?? {}, table));
    const nearest = closest(path.at(-1) ?? "", known);
    const cure = nearest === undefined ? `Accepted: ${known.join(", ")}.` : `Did you mean ${nearest}?`;
    return { path, problem: `unknown option ${show(where)}. ${cure}` };
  }
  return { path, problem: `${where === "" ? "the options" : where} must be ${issue.message}, got ${show(issue.input)}.` };
}

function missingIn(table: OptionTable, options: unknown, at: readonly string[] = []): OptionProblem[] {
  if (!isRecord(options)) return [];
  return Object.entries(table).flatMap(([name, { schema, fields, required }]) => {
    const value = options[name];
    const path = [...at, name];
    if (value === undefined) return required ? [{ path, problem: `${path.join(".")} is missing. It must be ${acceptedBy(schema)}.` }] : [];
    return fields === undefined ? [] : missingIn(fields, value, path);
  });
}

/** What a schema accepts, in the words of an error. */
export function acceptedBy(schema: Accepts<unknown>): string {
  return v.safeParse(asValibot(schema), undefined).issues?.[0].message ?? "anything";
}

/** More than a person reads at once. */
const MAX_PROBLEMS = 30;

/**
 * Throws what is wrong with some options, if anything is.
 *
 * @param subject What they are options of: `Deployment "Rank"`.
 * @throws ConfigError naming the subject, and each option with its value and what is accepted.
 */
export function refuse(subject: string, problems: readonly OptionProblem[]): void {
  if (problems.length === 0) return;
  const said = problems.slice(0, MAX_PROBLEMS).map(({ problem }) => problem);
  if (problems.length > MAX_PROBLEMS) said.push(`And ${problems.length - MAX_PROBLEMS} more.`);
  throw new ConfigError(`${subject}: ${said.join(" ")}`);
}

/**
 * The options that were given with every default filled in; they must have been accepted. One without a default stays left out.
 * `Config` is what the table is a {@link TableOf}.
 */
export function withDefaults<Config = Record<string, unknown>>(table: OptionTable & TableOf<Config>, given: object = {}): Config {
  const filled: Record<string, unknown> = {};
  for (const [name, { fields, follows, default: byDefault }] of Object.entries(table)) {
    let value = (given as Readonly<Record<string, unknown>>)[name];
    if (fields !== undefined && (value === undefined ? byDefault !== null : isRecord(value))) value = withDefaults(fields, value as object);
    if (value === undefined) value = follows === undefined ? byDefault : filled[follows];
    if (value !== undefined) filled[name] = value;
  }
  return filled as Config;
}

/** `override` over `base`, option by option; those of an object of options one by one. A value of the user's is replaced as a whole. */
export function merged(table: OptionTable, base: object, override: object): Record<string, unknown> {
  const result: Record<string, unknown> = { ...base };
  for (const [name, value] of Object.entries(override) as [string, unknown][]) {
    const before = result[name];
    const fields = own(table, name)?.fields;
    result[name] = fields !== undefined && isRecord(before) && isRecord(value) ? merged(fields, before, value) : value;
  }
  return result;
}

/** The key of an option in a config file: its name in snake case, with seconds for milliseconds, unless its entry says otherwise. */
export function keyOf(name: string, { key }: Option): string {
  return key ?? name.replace(/Ms$/, "S").replaceAll(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`);
}
