/**
 * From what runs back to a config document: what `edge-serve config` shows, and what could be put again.
 *
 * A document is merged over the code's own options, option by option, so a value may be left out only where the code
 * comes to it without the document. What has fields is written as a whole, because some defaults follow from other fields.
 */
import { INLINE } from "../api/options.ts";
import { resolveOptions } from "../api/resolve-options.ts";
import type { ApplicationManifest, DeploymentConfig } from "../protocol/manifest.ts";
import { isRecord, own } from "../protocol/own.ts";
import type { RouteConfig } from "../protocol/traffic.ts";
import { DEPLOYMENT_SHAPE } from "./deployment-config.ts";
import { POLICY_OPTIONS } from "./policy-config.ts";
import { ROUTE } from "./route-options.ts";
import { isSeconds, type Shape, shapeOf } from "./shape.ts";

const POLICY_SHAPE = shapeOf(POLICY_OPTIONS);

/** One entry of `applications`, in the config file's spelling. JSON. */
export interface ApplicationDocument {
  readonly name: string;
  readonly route_prefix: string | null;
  readonly import_path: string;
  readonly args?: unknown;
  readonly autoscaling_policy?: Readonly<Record<string, unknown>>;
  readonly rpc?: true;
  /** Each with its `name`, and with `num_replicas` or `autoscaling_config`. */
  readonly deployments: readonly Readonly<Record<string, unknown>>[];
}

/** A config document, in the config file's spelling. JSON. */
export interface ConfigDocument {
  readonly applications: readonly ApplicationDocument[];
  readonly routes?: readonly Readonly<Record<string, unknown>>[];
  readonly http_options?: {
    readonly request_timeout_s?: number;
    readonly session_id_header_key?: string;
    readonly session_id_generated?: true;
  };
}

/**
 * The document that comes to `applications` and `routes` when it is put.
 *
 * @param code The same applications as the code describes them without a document. Options that differ from it are
 *   written even where they are the defaults.
 */
export function documentOf(
  applications: readonly ApplicationManifest[],
  code: readonly ApplicationManifest[] = [],
  routes: readonly RouteConfig[] = [],
): ConfigDocument {
  return {
    ...httpOptionsOf(applications[0]),
    applications: applications.map((application) =>
      applicationDocument(
        application,
        code.find(({ name }) => name === application.name),
      ),
    ),
    ...(routes.length === 0 ? {} : { routes: routes.map((route) => spelled({ ...route }, ROUTE.shape)) }),
  };
}

// A document says it once for all its applications, and what is in force comes from one document.
function httpOptionsOf({ httpTimeoutMs, sessions }: Partial<ApplicationManifest> = {}): Pick<ConfigDocument, "http_options"> {
  if (httpTimeoutMs === undefined && sessions === undefined) return {};
  const { header, generated } = sessions ?? {};
  return {
    http_options: {
      ...(httpTimeoutMs === undefined ? {} : { request_timeout_s: httpTimeoutMs / 1000 }),
      ...(header === undefined ? {} : { session_id_header_key: header }),
      ...(generated === undefined ? {} : { session_id_generated: generated }),
    },
  };
}

function applicationDocument(application: ApplicationManifest, code: ApplicationManifest | undefined): ApplicationDocument {
  const { name, routePrefix, importPath, args, autoscalingPolicy, rpc, deployments } = application;
  return {
    name,
    route_prefix: routePrefix,
    // Every document needs one, and nothing is compared with it where none was compiled.
    import_path: importPath ?? name,
    ...(args === undefined ? {} : { args }),
    ...(autoscalingPolicy === undefined ? {} : { autoscaling_policy: spelled({ ...autoscalingPolicy }, POLICY_SHAPE) }),
    ...(rpc === undefined ? {} : { rpc }),
    deployments: Object.entries(deployments).map(([deployment, config]) => ({
      name: deployment,
      ...spelled(worthSaying(config, own(code?.deployments ?? {}, deployment)), DEPLOYMENT_SHAPE),
    })),
  };
}

const DEFAULTS = resolveOptions({});
/** How many replicas there are is said always, by one of the two. */
const COUNTS = ["numReplicas", "autoscaling"];

function worthSaying(config: DeploymentConfig, code: DeploymentConfig = DEFAULTS): Record<string, unknown> {
  // A function is the code's, which no document can say.
  const unspeakable = [
    config.autoscaling === null ? "autoscaling" : "numReplicas",
    ...(config.requestRouter === "custom" ? ["requestRouter"] : []),
  ];
  const isSame = (key: keyof DeploymentConfig) =>
    [DEFAULTS, code].every((other) => JSON.stringify(config[key]) === JSON.stringify(other[key]));
  const keys = Object.keys(config) as (keyof DeploymentConfig)[];
  const isInline = config.inline === true;
  const said = keys.filter((key) => !unspeakable.includes(key) && (COUNTS.includes(key) ? !isInline : !isSame(key)));
  return { ...Object.fromEntries(said.map((key) => [key, config[key]])), ...(isInline ? { placement: INLINE } : {}) };
}

function spelled(options: Readonly<Record<string, unknown>>, { fields }: Shape): Record<string, unknown> {
  const document: Record<string, unknown> = {};
  for (const field of fields) {
    const value = options[field.option];
    if (value === undefined || (value === null && field.nullable)) continue;
    if (field.shape !== undefined && isRecord(value)) document[field.yaml] = spelled(value, field.shape);
    else document[field.yaml] = isSeconds(field) && typeof value === "number" ? value / 1000 : value;
  }
  return document;
}
