/**
 * Writes `schema/serve.schema.json`, the JSON Schema (draft 2020-12) of the config document.
 *
 * Everything in it comes from what the code uses: keys and descriptions from the shapes in `src/config`, what is
 * accepted from the schemas that check options, defaults from `resolveOptions`.
 */
import { writeFileSync } from "node:fs";
import { resolveOptions } from "../src/api/options.ts";
import { DEPLOYMENT_SCHEMA } from "../src/config/deployment-config.ts";
import { DEPLOYMENT_SHAPE } from "../src/config/deployment-shape.ts";
import { ROUTE_PREFIX_PATTERN } from "../src/config/route-prefix.ts";
import { type Field, isSeconds, type Shape } from "../src/config/shape.ts";
import { APPLICATION_SCHEMA, APPLICATION_SHAPE, SYSTEM_SCHEMA, SYSTEM_SHAPE } from "../src/config/system-shape.ts";

/** Where the schema is kept. */
export const SCHEMA_FILE: URL = new URL("../schema/serve.schema.json", import.meta.url);

type Json = Record<string, unknown>;

/** As much of a valibot schema as is read here. */
interface Schema {
  readonly type: string;
  readonly wrapped?: Schema;
  readonly pipe?: readonly (Schema & { readonly requirement?: unknown })[];
  readonly entries?: Readonly<Record<string, Schema>>;
  readonly options?: readonly unknown[];
  readonly literal?: unknown;
  readonly item?: Schema;
}

interface ObjectParts {
  readonly shape: Shape;
  readonly schema: Schema;
  readonly defaults?: Json;
  /** Keys that the schema leaves to code of their own. */
  readonly special?: Readonly<Record<string, Json>>;
}

/** Checked by functions, and the same wherever they stand. */
const CHECKED: Readonly<Record<string, Json>> = { policy_function: { type: "string", minLength: 1 }, policy_kwargs: { type: "object" } };

function objectSchema({ shape, schema, defaults = {}, special = {} }: ObjectParts): Json {
  const properties: Json = {};
  for (const field of shape.fields) {
    const accepted =
      special[field.yaml] ?? CHECKED[field.yaml] ?? fieldSchema(field, schema.entries![field.option]!.wrapped!, defaults[field.option]);
    properties[field.yaml] = { description: field.doc, ...(field.nullable ? orNull(accepted) : accepted), ...defaultOf(field, defaults) };
  }
  for (const [key, { severity, predicate }] of shape.foreign) {
    if (severity === "warning") properties[key] = { description: `${key} ${predicate}`, deprecated: true };
  }
  const required = shape.fields.filter((field) => field.required !== undefined).map(({ yaml }) => yaml);
  return { type: "object", properties, ...(required.length > 0 ? { required } : {}), additionalProperties: false };
}

function fieldSchema({ shape, ...field }: Field, schema: Schema, defaults: unknown): Json {
  if (shape !== undefined) return objectSchema({ shape, schema, defaults: (defaults ?? {}) as Json });
  return valueSchema(schema, isSeconds(field) ? 1000 : 1);
}

function valueSchema(schema: Schema, unit: number): Json {
  if (schema.type === "picklist") return { enum: schema.options };
  if (schema.type === "literal") return { const: schema.literal };
  if (schema.type === "array")
    return { type: "array", items: valueSchema((schema.pipe?.at(-1) ?? schema).item!, unit), ...constraints(schema, unit) };
  if (schema.type === "custom" || schema.type === "unknown") return {};
  if (schema.type === "union") {
    const options = (schema.options as readonly Schema[])
      .filter(({ type }) => type !== "custom")
      .map((option) => valueSchema(option, unit));
    return options.length === 1 ? options[0]! : { anyOf: options };
  }
  return { type: schema.type, ...constraints(schema, unit) };
}

function constraints({ pipe = [] }: Schema, unit: number): Json {
  return Object.assign({}, ...pipe.slice(1).map((step) => constraint(step, unit))) as Json;
}

function constraint({ type, requirement }: Schema & { readonly requirement?: unknown }, unit: number): Json {
  switch (type) {
    case "safe_integer":
      return { type: "integer" };
    case "min_value":
      return { minimum: Number(requirement) / unit };
    case "gt_value":
      return { exclusiveMinimum: Number(requirement) / unit };
    case "max_value":
      return { maximum: Number(requirement) / unit };
    case "max_length":
      return { maxItems: requirement };
    case "regex":
      return { pattern: (requirement as RegExp).source };
    case "non_empty":
      return { minLength: 1 };
    case "finite":
    case "array":
      return {};
    default:
      throw new Error(`The config's schema uses ${type}, which scripts/write-config-schema.ts does not know. Add it there.`);
  }
}

function orNull(schema: Json): Json {
  if (typeof schema["type"] === "string") return { ...schema, type: [schema["type"], "null"] };
  return { anyOf: [...((schema["anyOf"] as Json[] | undefined) ?? [schema]), { type: "null" }] };
}

/** An object's default is said at its members; a default that follows another option is said in words. */
function defaultOf(field: Field, defaults: Json): Json {
  const value = defaults[field.option];
  if (value === undefined || value === null || field.shape !== undefined) return {};
  return { default: isSeconds(field) ? Number(value) / 1000 : value };
}

function deploymentDefaults(): Json {
  const { initialReplicas: _1, downscaleToZeroDelayMs: _2, ...autoscaling } = resolveOptions({ autoscaling: {} }).autoscaling!;
  return { ...resolveOptions({}), autoscaling, logging: {} };
}

/** The JSON Schema of the config document. */
export function configSchema(): Json {
  const deployment = { shape: DEPLOYMENT_SHAPE, schema: DEPLOYMENT_SCHEMA, defaults: deploymentDefaults() };
  const application = {
    shape: APPLICATION_SHAPE,
    schema: APPLICATION_SCHEMA,
    defaults: { name: "default", routePrefix: "/" },
    special: {
      route_prefix: { type: ["string", "null"], pattern: ROUTE_PREFIX_PATTERN.source },
      import_path: { type: "string", minLength: 1 },
      deployments: { type: "array", items: { $ref: "#/$defs/deployment" } },
    },
  };
  const system = {
    shape: SYSTEM_SHAPE,
    schema: SYSTEM_SCHEMA,
    defaults: { logging: resolveOptions({}).logging },
    special: { applications: { type: "array", items: { $ref: "#/$defs/application" } } },
  };
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "edge-serve config",
    description: "What edge-serve build, run and deploy read: serve.yaml.",
    ...objectSchema(system as ObjectParts),
    $defs: { application: objectSchema(application as ObjectParts), deployment: objectSchema(deployment as ObjectParts) },
  };
}

/** The file's text. */
export function configSchemaText(): string {
  return `${JSON.stringify(configSchema(), null, 2)}\n`;
}

if (import.meta.main) writeFileSync(SCHEMA_FILE, configSchemaText());
