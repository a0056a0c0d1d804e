/**
 * The wrangler configurations that edge-serve runs things with. All in memory: the user's file stays as it is.
 */
import type { Declarations } from "../../compile/declared-classes.ts";
import type { UserConfig, WranglerConfig } from "./user-config.ts";
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

/**
 * For evaluating the application: it is bundled as the user says, and bound to nothing but its vars. Its names are kept in any
 * case: a deployment that is named for its class must have the same name, and so the same objects, in every build.
 */
export function describingConfig(user: UserConfig, main: string, alias: Readonly<Record<string, string>>): WranglerConfig {
  const { complete } = user;
  const bare = Object.entries(complete).map(([key, value]) => [key, EMPTY[key] ?? (Array.isArray(value) ? [] : undefined)] as const);
  const kept = BUNDLING.map((key) => [key, complete[key]] as const);
  return withCompatibility(
    { ...Object.fromEntries(bare), ...Object.fromEntries(kept), main, no_bundle: false, minify: false, keep_names: true },
    user,
    alias,
  );
}

/** What is served. */
export interface ServedEntry {
  /** The generated entry module. */
  readonly main: string;
  /** The classes of the Worker. */
  readonly declared: Declarations;
  readonly alias: Readonly<Record<string, string>>;
  /** The user's own entry module, where there is one. */
  readonly userMain: UserMain | undefined;
}

/** For serving the generated entry; `dropped` says which bindings of the user's name a class that nothing exports. */
export function servingConfig(user: UserConfig, entry: ServedEntry): { config: WranglerConfig; dropped: string[] } {
  const { main, declared, alias, userMain } = entry;
  const { complete } = user;
  const { exports: classes = {}, migrations = [] } = declared;
  const isThere = (name: string) => userMain !== undefined || Object.hasOwn(classes, name);
  const bindings = complete.durable_objects?.bindings ?? [];
  const workflows = complete.workflows ?? [];
  const keptBindings = bindings.filter(({ class_name: name, script_name: script }) => script !== undefined || isThere(name));
  const keptWorkflows = workflows.filter(({ script_name: script }) => script !== undefined || userMain !== undefined);
  const isEntry = userMain !== undefined && userMain.specifiers.length > 0;
  const config = {
    ...complete,
    main: isEntry ? userMain.file : main,
    exports: classes,
    migrations,
    durable_objects: { ...complete.durable_objects, bindings: keptBindings },
    workflows: keptWorkflows,
    containers: undefined,
  };
  const dropped = [
    ...bindings.filter((binding) => !keptBindings.includes(binding)),
    ...workflows.filter((item) => !keptWorkflows.includes(item)),
  ];
  const entryAlias = isEntry ? Object.fromEntries(userMain.specifiers.map((specifier) => [specifier, main])) : {};
  return { config: withCompatibility(config, user, { ...alias, ...entryAlias }), dropped: dropped.map(({ name }) => name) };
}

function withCompatibility(config: WranglerConfig, { compatibility }: UserConfig, alias: Readonly<Record<string, string>>): WranglerConfig {
  return {
    ...config,
    compatibility_date: compatibility.date,
    compatibility_flags: compatibility.flags,
    alias: { ...alias, ...config.alias },
  };
}
