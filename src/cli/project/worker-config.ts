/**
 * The wrangler configurations that edge-serve runs things with. All in memory: the user's file stays as it is.
 */
import { OLDEST_DATE } from "../../compile/wrangler-conflicts.ts";
import { Failure } from "../failure.ts";
import { DEFAULTS, type WranglerConfig } from "./project.ts";
import type { UserMain } from "./user-main.ts";

// What decides how modules are bundled and what they mean at top level. Everything else is for serving.
const BUNDLING = [
  "configPath",
  "userConfigPath",
  "topLevelName",
  "name",
  "compatibility_date",
  "compatibility_flags",
  "rules",
  "find_additional_modules",
  "preserve_file_names",
  "base_dir",
  "build",
  "define",
  "alias",
  "no_bundle",
  "minify",
  "keep_names",
  "tsconfig",
  "jsx_factory",
  "jsx_fragment",
  "python_modules",
  "vars",
  "dev",
  "wasm_modules",
  "text_blobs",
  "data_blobs",
] as const;

const EMPTY: Readonly<Record<string, unknown>> = {
  durable_objects: { bindings: [] },
  queues: { producers: [], consumers: [] },
  logfwdr: { bindings: [] },
  triggers: { crons: undefined },
  exports: {},
  unsafe: {},
  cloudchamber: {},
};

/** For evaluating the application: it is bundled as the user says, and bound to nothing but its vars. */
export function describingConfig(base: WranglerConfig, main: string, alias: Readonly<Record<string, string>>): WranglerConfig {
  const bare = Object.entries(base).map(([key, value]) => [key, EMPTY[key] ?? (Array.isArray(value) ? [] : undefined)] as const);
  const kept = BUNDLING.map((key) => [key, base[key]] as const);
  return withDefaults({ ...Object.fromEntries(bare), ...Object.fromEntries(kept), main, no_bundle: false }, alias);
}

/** The generated entry module, and what stands before it. */
export interface ServedEntry {
  readonly main: string;
  readonly classes: readonly string[];
  readonly alias: Readonly<Record<string, string>>;
  /** The user's own entry module, where there is one that re-exports the generated one. */
  readonly userMain: UserMain | undefined;
}

/** For serving the generated entry; `dropped` says which bindings of the user's name a class that nothing exports. */
export function servingConfig(base: WranglerConfig, entry: ServedEntry): { config: WranglerConfig; dropped: string[] } {
  const { main, classes, alias, userMain } = entry;
  const exported = [...new Set([...classes, ...(userMain?.classes ?? [])])];
  const bindings = base.durable_objects?.bindings ?? [];
  const workflows = base.workflows ?? [];
  const keptBindings = bindings.filter(({ class_name: name, script_name: script }) => script !== undefined || exported.includes(name));
  const keptWorkflows = workflows.filter(({ script_name: script }) => script !== undefined || userMain !== undefined);
  const config = {
    ...base,
    main: userMain?.file ?? main,
    exports: Object.fromEntries(exported.map((name) => [name, { type: "durable-object", storage: "sqlite" }])),
    durable_objects: { ...base.durable_objects, bindings: keptBindings },
    workflows: keptWorkflows,
    migrations: [],
    containers: undefined,
  };
  const dropped = [
    ...bindings.filter((binding) => !keptBindings.includes(binding)),
    ...workflows.filter((item) => !keptWorkflows.includes(item)),
  ];
  const entryAlias = userMain === undefined ? {} : { [userMain.specifier]: main };
  return { config: withDefaults(config, { ...alias, ...entryAlias }), dropped: dropped.map(({ name }) => name) };
}

function withDefaults(config: WranglerConfig, alias: Readonly<Record<string, string>>): WranglerConfig {
  const { compatibility_date: date = DEFAULTS.compatibilityDate, compatibility_flags: flags = [] } = config;
  if (date < OLDEST_DATE) {
    throw new Failure(
      `wrangler's configuration says compatibility_date ${JSON.stringify(date)}. ` +
        `edge-serve needs ${JSON.stringify(OLDEST_DATE)} or later, ` +
        "from which node:async_hooks is there without a flag.",
    );
  }
  return {
    ...config,
    compatibility_date: date,
    compatibility_flags: config.compatibility_date === undefined && flags.length === 0 ? DEFAULTS.compatibilityFlags : flags,
    alias: { ...alias, ...config.alias },
  };
}
