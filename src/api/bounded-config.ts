/**
 * A configuration that was stored before its numbers had the bounds of today: an older edge-serve may have taken it.
 *
 * The bounds are those of the options' schema, so that there is no second list of them.
 */
import type { DeploymentConfig } from "../protocol/manifest.ts";
import { show } from "../protocol/wording.ts";
import { OPTIONS_SCHEMA } from "./options.ts";

/** A configuration within the bounds, and a sentence about each number that was not. */
export interface BoundedConfig {
  readonly config: DeploymentConfig;
  readonly problems: readonly string[];
}

/** As much of a valibot schema as is read here. */
interface Schema {
  readonly type: string;
  readonly wrapped?: Schema;
  readonly options?: readonly unknown[];
  readonly entries?: Readonly<Record<string, Schema>>;
  readonly pipe?: readonly { readonly type: string; readonly requirement?: unknown }[];
}

/** The configuration with each number that is above its bound at that bound; the same object if there is none. */
export function boundedConfig(config: DeploymentConfig): BoundedConfig {
  const problems: string[] = [];
  return { config: bounded(OPTIONS_SCHEMA as unknown as Schema, config, "", problems) as DeploymentConfig, problems };
}

function bounded(schema: Schema, value: unknown, path: string, problems: string[]): unknown {
  const { wrapped, entries } = schema;
  if (wrapped !== undefined) return bounded(wrapped, value, path, problems);
  if (entries !== undefined && typeof value === "object" && value !== null) return boundedFields(entries, value, path, problems);
  const maximum = typeof value === "number" ? maximumOf(schema) : undefined;
  if (maximum === undefined || (value as number) <= maximum) return value;
  problems.push(`${path} was stored as ${show(value)}, and at most ${maximum} is accepted: ${maximum} is used.`);
  return maximum;
}

function boundedFields(entries: Readonly<Record<string, Schema>>, value: object, path: string, problems: string[]): object {
  let copy: Record<string, unknown> | undefined;
  for (const [name, field] of Object.entries(value) as [string, unknown][]) {
    const schema = Object.hasOwn(entries, name) ? entries[name] : undefined;
    if (schema === undefined) continue;
    const within = bounded(schema, field, path === "" ? name : `${path}.${name}`, problems);
    if (within !== field) (copy ??= { ...value })[name] = within;
  }
  return copy ?? value;
}

function maximumOf({ pipe, options = [] }: Schema): number | undefined {
  const step = pipe?.find(({ type }) => type === "max_value");
  if (step !== undefined) return step.requirement as number;
  return (options as readonly Schema[]).map(maximumOf).find((maximum) => maximum !== undefined);
}
