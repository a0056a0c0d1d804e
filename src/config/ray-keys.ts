/**
 * What Ray Serve's config has and edge-serve does not, and what to do instead.
 */
import type { ForeignKey } from "./shape.ts";

type Entry = readonly [key: string, foreign: ForeignKey];

const ignored = (reason: string, keys: readonly string[]): Entry[] =>
  keys.map((key) => [key, { severity: "warning", predicate: `is Ray Serve's, and is ignored here: ${reason}.` }]);

const renamed = (key: string, name: string): Entry => [key, { severity: "error", predicate: `is called ${name} here. Rename it.` }];

const misplaced = (place: string, keys: readonly string[]): Entry[] =>
  keys.map((key) => [key, { severity: "error", predicate: `does not belong here. Put it in ${place}.` }]);

/** @internal */
export const SYSTEM_RAY_KEYS: ReadonlyMap<string, ForeignKey> = new Map([
  ...ignored("the ingress Worker runs at every Cloudflare location", ["proxy_location"]),
  ...ignored("applications are reached over HTTP and WebSockets only", ["grpc_options"]),
  ...ignored("the controller is a Durable Object without settings", ["controller_options"]),
  ...misplaced("an entry of applications", ["import_path", "route_prefix", "deployments", "args"]),
]);

/** @internal */
export const HTTP_RAY_KEYS: ReadonlyMap<string, ForeignKey> = new Map([
  ...ignored("a route in wrangler.toml says where the Worker is mounted", ["root_path"]),
  ...ignored("Cloudflare ends the client's connection and its TLS", [
    "keep_alive_timeout_s",
    "ssl_keyfile",
    "ssl_certfile",
    "ssl_keyfile_password",
    "ssl_ca_certs",
  ]),
  ...ignored("the ingress Worker runs at every Cloudflare location", ["location", "num_cpus"]),
  ...ignored("give the ingress deployment a router, with its middleware, by serve.ingress", ["middlewares"]),
]);

/** @internal */
export const LOGGING_RAY_KEYS: ReadonlyMap<string, ForeignKey> = new Map([
  ...ignored("logs are JSON lines", ["encoding"]),
  ...ignored("Workers have no disk; see the observability settings of wrangler.toml", ["logs_dir"]),
  ...ignored("give fields to serve.logger", ["additional_log_standard_attrs"]),
]);

/** @internal */
export const APPLICATION_RAY_KEYS: ReadonlyMap<string, ForeignKey> = new Map([
  ...ignored("dependencies belong in package.json, variables and secrets in wrangler.toml", ["runtime_env"]),
  ...ignored("edge-serve scale works on every application", ["external_scaler_enabled"]),
  ...misplaced("http_options", ["host", "port"]),
]);

/** @internal */
export const DEPLOYMENT_RAY_KEYS: ReadonlyMap<string, ForeignKey> = new Map([
  ...misplaced("the options of the deployment in code", ["keyed"]),
  ...ignored("a replica is a Durable Object, with the memory and the processor that Cloudflare gives it", ["ray_actor_options"]),
  ...ignored("Cloudflare decides where replicas run; placement.location_hints says near where", [
    "placement_group_bundles",
    "placement_group_strategy",
    "placement_group_bundle_label_selector",
    "placement_group_fallback_strategy",
    "max_replicas_per_node",
    "gang_scheduling_config",
  ]),
  ...ignored("a draining replica ends as soon as it has nothing left to run", ["graceful_shutdown_wait_loop_s"]),
  ...ignored("Cloudflare rolls new code out", ["rolling_update_percentage", "max_surge_percent"]),
  ...ignored("the version is computed from the code and the config", ["version"]),
  ...ignored("a replica has no helper actors", ["deployment_actors"]),
  ...ignored("name a router with request_router, or give a function in code", ["request_router_config"]),
  renamed("max_concurrent_queries", "max_ongoing_requests"),
]);

/** @internal */
export const AUTOSCALING_RAY_KEYS: ReadonlyMap<string, ForeignKey> = new Map([
  ...ignored("the load is averaged over look_back_period_s", ["aggregation_function"]),
  renamed("target_num_ongoing_requests_per_replica", "target_ongoing_requests"),
  renamed("smoothing_factor", "upscaling_factor and downscaling_factor"),
  renamed("upscale_smoothing_factor", "upscaling_factor"),
  renamed("downscale_smoothing_factor", "downscaling_factor"),
]);
