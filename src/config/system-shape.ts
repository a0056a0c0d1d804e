/**
 * The keys of the config document around its deployments, and what their values may be.
 */
import * as v from "valibot";
import { isJson, JSON_RULE } from "../api/option-issues.ts";
import { OPTIONS_SCHEMA, REQUEST_TIMEOUT_SCHEMA } from "../api/options.ts";
import { NAME_PATTERN, NAME_RULE } from "../protocol/names.ts";
import { field, LOGGING_SHAPE } from "./deployment-shape.ts";
import { POLICY_SCHEMA, POLICY_SHAPE } from "./policy-config.ts";
import { APPLICATION_RAY_KEYS, HTTP_RAY_KEYS, SYSTEM_RAY_KEYS } from "./ray-keys.ts";
import type { Shape } from "./shape.ts";

/** @internal */
export const HTTP_SHAPE: Shape = {
  foreign: HTTP_RAY_KEYS,
  fields: [
    field("host", "host", "The address that `edge-serve run` listens on. Of no meaning once deployed.", { nullable: true }),
    field("port", "port", "The port that `edge-serve run` listens on; 0 is any free one. Of no meaning once deployed."),
    field("request_timeout_s", "requestTimeoutMs", "Deadline of every HTTP request, in seconds; none by default.", { nullable: true }),
  ],
};

/** @internal */
export const SYSTEM_SHAPE: Shape = {
  foreign: SYSTEM_RAY_KEYS,
  fields: [
    field("applications", "applications", "The applications of the system.", { required: "an array of applications" }),
    field("http_options", "httpOptions", "How HTTP requests are received.", { nullable: true, shape: HTTP_SHAPE }),
    field("target_capacity", "targetCapacity", "Scales every number of replicas, in percent; 100 by default.", { nullable: true }),
    field("logging_config", "logging", "What is logged, unless an application or a deployment says otherwise.", {
      nullable: true,
      shape: LOGGING_SHAPE,
    }),
  ],
};

/** @internal */
export const APPLICATION_SHAPE: Shape = {
  foreign: APPLICATION_RAY_KEYS,
  fields: [
    field("name", "name", "The name of the application; unique."),
    field("route_prefix", "routePrefix", "The path under which HTTP requests reach it; unique. null is no HTTP."),
    field("import_path", "importPath", "The module and export that hold the application or its builder, relative to this file.", {
      required: '"<module>:<export>", such as "src/app.ts:app", or "<module>" for its default export',
    }),
    field("args", "args", "What the builder is called with."),
    field("autoscaling_policy", "autoscalingPolicy", "Decides the numbers of replicas of all autoscaled deployments together.", {
      nullable: true,
      shape: POLICY_SHAPE,
    }),
    field("rpc", "rpc", "Whether callers outside the Worker reach its handle: `connect` of edge-serve/client, with the operator's token."),
    field("deployments", "deployments", "Options that go before those in the code.", { nullable: true }),
    field("logging_config", "logging", "What the application's deployments log; the system's by default.", {
      nullable: true,
      shape: LOGGING_SHAPE,
    }),
  ],
};

const HOST = "a host name or an IP address";
const PORT = "an integer from 0 to 65535";

/** @internal */
export const HTTP_SCHEMA = v.strictObject(
  {
    host: v.optional(v.pipe(v.string(HOST), v.nonEmpty(HOST))),
    port: v.optional(v.pipe(v.number(PORT), v.safeInteger(PORT), v.minValue(0, PORT), v.maxValue(65_535, PORT))),
    requestTimeoutMs: v.optional(REQUEST_TIMEOUT_SCHEMA),
  },
  "an object",
);

const CAPACITY = "a finite number from 0 to 100";
const LOGGING_SCHEMA = OPTIONS_SCHEMA.entries.logging;

/** @internal `applications` is read entry by entry. */
export const SYSTEM_SCHEMA = v.strictObject({
  applications: v.optional(v.array(v.unknown(), "an array of applications")),
  httpOptions: v.optional(HTTP_SCHEMA),
  targetCapacity: v.optional(v.pipe(v.number(CAPACITY), v.minValue(0, CAPACITY), v.maxValue(100, CAPACITY))),
  logging: LOGGING_SCHEMA,
});

/** @internal The keys with rules of their own are read by `application-config.ts`. */
export const APPLICATION_SCHEMA = v.strictObject({
  name: v.optional(v.pipe(v.string(NAME_RULE), v.regex(NAME_PATTERN, NAME_RULE))),
  routePrefix: v.optional(v.unknown()),
  importPath: v.optional(v.unknown()),
  args: v.optional(v.custom<unknown>(isJson, JSON_RULE)),
  autoscalingPolicy: v.optional(POLICY_SCHEMA),
  rpc: v.optional(v.boolean("true or false")),
  deployments: v.optional(v.array(v.unknown(), "an array of deployments")),
  logging: LOGGING_SCHEMA,
});
