/**
 * A configuration that was stored before its numbers had the bounds of today: an older edge-serve may have taken it.
 *
 * The bounds are those of the table of options, so that there is no second list of them.
 */
import type { DeploymentConfig } from "../protocol/manifest.ts";
import { own } from "../protocol/own.ts";
import { show } from "../protocol/wording.ts";
import type { Option, OptionTable } from "./option-table.ts";
import { DEPLOYMENT_OPTIONS } from "./options.ts";

/** A configuration within the bounds, and a sentence about each number that was not. */
export interface BoundedConfig {
  readonly config: DeploymentConfig;
  readonly problems: readonly string[];
}

/** The configuration with each number that is above its bound at that bound; the same object if there is none. */
export function boundedConfig(config: DeploymentConfig): BoundedConfig {
  const problems: string[] = [];
  return { config: bounded(DEPLOYMENT_OPTIONS, config, "", problems) as DeploymentConfig, problems };
}

function bounded(table: OptionTable, values: object, at: string, problems: string[]): object {
  let copy: Record<string, unknown> | undefined;
  for (const [name, value] of Object.entries(values) as [string, unknown][]) {
    const option = own(table, name);
    if (option === undefined) continue;
    const within = boundedValue(option, value, at + name, problems);
    if (within !== value) (copy ??= { ...values })[name] = within;
  }
  return copy ?? values;
}

function boundedValue({ fields, schema }: Option, value: unknown, path: string, problems: string[]): unknown {
  if (fields !== undefined) return typeof value === "object" && value !== null ? bounded(fields, value, `${path}.`, problems) : value;
  const maximum = typeof value === "number" ? maximumOf(schema as Schema) : undefined;
  if (maximum === undefined || (value as number) <= maximum) return value;
  problems.push(`${path} was stored as ${show(value)}, and at most ${maximum} is accepted: ${maximum} is used.`);
  return maximum;
}

/** As much of a valibot schema as is read here. */
interface Schema {
  readonly options?: readonly unknown[];
  readonly pipe?: readonly { readonly type: string; readonly requirement?: unknown }[];
}

function maximumOf({ pipe, options = [] }: Schema): number | undefined {
  const step = pipe?.find(({ type }) => type === "max_value");
  if (step !== undefined) return step.requirement as number;
  return (options as readonly Schema[]).map(maximumOf).find((maximum) => maximum !== undefined);
}
