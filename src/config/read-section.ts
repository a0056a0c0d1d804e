/**
 * From the document's spelling to code's: keys, seconds, and what the schema says about the values.
 *
 * The schemas are those that check options in code, so both accept and refuse the same values. Only the words
 * are the document's: its keys, and its seconds.
 */
import * as v from "valibot";
import { asValibot } from "../api/as-valibot.ts";
import type { OptionsOf, OptionTable } from "../api/option-table.ts";
import { isRecord } from "../protocol/own.ts";
import { closest, show } from "../protocol/wording.ts";
import { MAX_TASK_TIME_MS, MAX_TIME_MS } from "../protocol/limits.ts";
import { errorAt, type Finding, isEnough, keyFinding, type Segments } from "./diagnostics.ts";
import { type Field, fieldOf, isSeconds, type Section, type Shape } from "./shape.ts";

/** @internal Part of a document, and where it is. */
export interface Part {
  readonly value: unknown;
  readonly at: Segments;
}

/** @internal The options that `part` says, or `undefined` after adding to `findings` why there are none. */
export function readSection<T extends OptionTable>(
  { schema, shape }: Section<T>,
  { value, at }: Part,
  findings: Finding[],
): OptionsOf<T> | undefined {
  if (!isRecord(value)) {
    findings.push(errorAt(at, `must be an object, got ${show(value)}.`));
    return undefined;
  }
  const result = v.safeParse(asValibot(schema), normalize(value, { at, shape }, findings), { abortPipeEarly: true });
  if (result.success) return result.output as OptionsOf<T>;
  for (const issue of result.issues) findings.push(describe(issue, { value, at, shape }));
  return undefined;
}

interface Place {
  readonly at: Segments;
  readonly shape: Shape;
}

function normalize(value: Readonly<Record<string, unknown>>, { at, shape }: Place, findings: Finding[]): object {
  const options: Record<string, unknown> = {};
  for (const [key, given] of Object.entries(value)) {
    if (isEnough(findings)) break;
    const field = fieldOf(shape, key);
    if (field === undefined) findings.push(strangeKey(key, [...at, key], shape));
    else if (given !== undefined && !(given === null && field.nullable)) {
      options[field.option] = convert(given, field, [...at, key], findings);
    }
  }
  for (const { yaml, required } of shape.fields) {
    if (required === undefined || (Object.hasOwn(value, yaml) && value[yaml] !== undefined)) continue;
    findings.push(errorAt([...at, yaml], `is missing. It must be ${required}.`));
  }
  return options;
}

function convert(given: unknown, field: Field, at: Segments, findings: Finding[]): unknown {
  if (field.shape !== undefined && isRecord(given)) return normalize(given, { at, shape: field.shape }, findings);
  return isSeconds(field) && typeof given === "number" ? toMilliseconds(given) : given;
}

/** 1.1 seconds are 1100 ms, not 1100.0000000000002. */
function toMilliseconds(seconds: number): number {
  const exact = seconds * 1000;
  const rounded = Math.round(exact * 1000) / 1000;
  return rounded === 0 || !Number.isFinite(rounded) ? exact : rounded;
}

function strangeKey(key: string, at: Segments, { fields, foreign }: Shape): Finding {
  const known = foreign.get(key);
  if (known !== undefined) return keyFinding(known.severity, at, known.predicate);
  const accepted = fields.map(({ yaml }) => yaml);
  const nearest = closest(key, accepted);
  const cure = nearest === undefined ? `Accepted: ${accepted.join(", ")}.` : `Did you mean ${nearest}?`;
  return keyFinding("error", at, `is an unknown key. ${cure}`);
}

/** The issue in the document's words, with the value that the document has. */
function describe(issue: v.BaseIssue<unknown>, part: Part & Place): Finding {
  let { value, shape }: { value: unknown; shape: Shape | undefined } = part;
  let isTime = false;
  const at = [...part.at];
  for (const { key } of issue.path ?? []) {
    const field: Field | undefined = shape?.fields.find(({ option }) => option === key);
    const step = field?.yaml ?? (key as string | number);
    at.push(step);
    value = (value as Readonly<Record<string | number, unknown>> | undefined)?.[step];
    shape = field?.shape;
    isTime = field !== undefined && isSeconds(field);
  }
  return errorAt(at, `must be ${isTime ? inSeconds(issue.message) : issue.message}, got ${show(value)}.`);
}

/** @internal What a time in milliseconds may be, said of seconds. */
export function inSeconds(accepted: string): string {
  const last = [MAX_TIME_MS, MAX_TASK_TIME_MS].map(String);
  return accepted.replaceAll(/\d+/g, (ms) => `${Number(ms) / 1000}${last.includes(ms) ? " seconds" : ""}`);
}

/** @internal Option names in a sentence from the API, spelled as the document spells them. */
export function inYamlSpelling(sentence: string, shape: Shape): string {
  const names = new Map<string, string>();
  const collect = ({ fields }: Shape): void => {
    for (const field of fields) {
      names.set(field.option, field.yaml);
      if (field.shape !== undefined) collect(field.shape);
    }
  };
  collect(shape);
  return sentence.replaceAll(/\b[A-Za-z]+\b/g, (word) => names.get(word) ?? word);
}
