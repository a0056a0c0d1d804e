/**
 * The JSON Schema (draft 2020-12) of the config document, made of the tables that read one.
 */
import { toJsonSchema } from "@valibot/to-json-schema";
import type { Option, OptionTable } from "../../src/api/option-table.ts";
import { DEPLOYMENT_OPTIONS } from "../../src/api/options.ts";
import { ROUTE_PREFIX_PATTERN } from "../../src/config/application-config.ts";
import { DEPLOYMENT_ENTRY, DEPLOYMENT_SHAPE } from "../../src/config/deployment-config.ts";
import { ROUTE, SHARE } from "../../src/config/route-options.ts";
import type { Field, Shape } from "../../src/config/shape.ts";
import { APPLICATION, SYSTEM } from "../../src/config/system-options.ts";
import type { OptionDocs } from "./docs.ts";
import { inFileSpelling } from "./spelling.ts";

type Json = Record<string, unknown>;

/** What code of its own checks, by key. */
const SPECIAL: Readonly<Record<string, Json>> = {
  applications: { type: "array", items: { $ref: "#/$defs/application" } },
  deployments: { type: "array", items: { $ref: "#/$defs/deployment" } },
  routes: { type: "array", items: { $ref: "#/$defs/route" } },
  prefix: { type: "string", pattern: ROUTE_PREFIX_PATTERN.source },
  split: { type: "array", items: { $ref: "#/$defs/share" } },
  route_prefix: { type: ["string", "null"], pattern: ROUTE_PREFIX_PATTERN.source },
  import_path: { type: "string", minLength: 1 },
  policy_function: { type: "string", minLength: 1 },
  policy_kwargs: { type: "object" },
};

/** The schema as it is written to `schema/serve.schema.json`. */
export function configSchema(docs: OptionDocs): Json {
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "edge-serve config",
    description: "What edge-serve build, run and deploy read: serve.yaml.",
    ...objectSchema(SYSTEM.table, SYSTEM.shape, docs),
    $defs: {
      application: objectSchema(APPLICATION.table, APPLICATION.shape, docs),
      deployment: objectSchema(DEPLOYMENT_ENTRY, DEPLOYMENT_SHAPE, docs),
      route: objectSchema(ROUTE.table, ROUTE.shape, docs),
      share: objectSchema(SHARE.table, SHARE.shape, docs),
    },
  };
}

function objectSchema(table: OptionTable, shape: Shape, docs: OptionDocs, isInherited = false): Json {
  const properties: Json = {};
  for (const field of shape.fields) {
    const option = table[field.option]!;
    properties[field.yaml] = {
      description: descriptionOf(field.option, table, docs),
      ...orNull(acceptedBy(field, option, table, docs), field.nullable),
      ...(isInherited ? {} : defaultOf(option, field.yaml)),
    };
  }
  for (const [key, { severity, predicate }] of shape.foreign) {
    if (severity === "warning") properties[key] = { description: `${key} ${predicate}`, deprecated: true };
  }
  const required = shape.fields.filter((field) => field.required !== undefined).map(({ yaml }) => yaml);
  return { type: "object", properties, ...(required.length > 0 ? { required } : {}), additionalProperties: false };
}

function acceptedBy({ yaml, option: name, shape }: Field, option: Option, table: OptionTable, docs: OptionDocs): Json {
  if (shape === undefined) return SPECIAL[yaml] ?? valueSchema(option, yaml);
  // What is logged is inherited from further out, and has its defaults there.
  const object = objectSchema(option.fields!, shape, docs, name === "logging" && table !== SYSTEM.table);
  return option.word === undefined ? object : { anyOf: [object, { const: option.word }] };
}

function descriptionOf(name: string, table: OptionTable, docs: OptionDocs): string {
  const doc = docs.get(table)?.[name];
  if (doc === undefined) throw new Error(`There is a table with ${name} whose doc comments are not read: see scripts/options/docs.ts.`);
  const { meaning, byDefault = "none" } = doc;
  // A default that is a value has a place of its own.
  const isPlain = /^(`.*`|off|none)$/.test(byDefault) && table[name]!.follows === undefined;
  return inFileSpelling(isPlain ? meaning : `${meaning} By default ${byDefault}.`, [table, DEPLOYMENT_OPTIONS]);
}

/** How many of the option's unit are one of the key's. */
const unitOf = (key: string) => (key.endsWith("_s") ? 1000 : 1);

function valueSchema({ schema }: Option, key: string): Json {
  // A schema may look at a value more than once: first what is said of it as it comes, then of what is left of it.
  const all = (["input", "output"] as const).map((typeMode) =>
    toJsonSchema(schema as Parameters<typeof toJsonSchema>[0], {
      target: "draft-2020-12",
      typeMode,
      // A function is no JSON, and what else a function checks is said in words only.
      ignoreActions: ["check"],
      overrideSchema: ({ valibotSchema, jsonSchema }) => (valibotSchema.type === "custom" ? {} : jsonSchema),
    }),
  );
  const { $schema: _, ...json } = Object.assign({}, ...all) as Json;
  for (const bound of ["minimum", "exclusiveMinimum", "maximum"]) {
    if (typeof json[bound] === "number") json[bound] /= unitOf(key);
  }
  return json;
}

function orNull(schema: Json, isNullable: boolean): Json {
  if (!isNullable) return schema;
  if (typeof schema["type"] === "string") return { ...schema, type: [schema["type"], "null"] };
  return { anyOf: [...((schema["anyOf"] as Json[] | undefined) ?? [schema]), { type: "null" }] };
}

/** An object's default is said at its members; a default that follows another option is said in words. */
function defaultOf({ fields, default: byDefault }: Option, key: string): Json {
  if (fields !== undefined || byDefault === undefined || byDefault === null) return {};
  return { default: typeof byDefault === "number" ? byDefault / unitOf(key) : byDefault };
}
