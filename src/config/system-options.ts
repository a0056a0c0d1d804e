/**
 * The keys of the config document around its deployments, and what their values may be.
 */
import * as v from "valibot";
import { group, type Named, option, type OptionsOf } from "../api/option-table.ts";
import { boolean, integer, json, text } from "../api/option-values.ts";
import { DEPLOYMENT_OPTIONS } from "../api/options.ts";
import { SESSION_HEADER } from "../protocol/http-request.ts";
import { NAME_PATTERN, NAME_RULE } from "../protocol/names.ts";
import { DEFAULT_NAME } from "./diagnostics.ts";
import { policyOption } from "./policy-config.ts";
import { APPLICATION_RAY_KEYS, HTTP_RAY_KEYS, LOGGING_RAY_KEYS, SYSTEM_RAY_KEYS } from "./ray-keys.ts";
import { HEADER, HEADER_PATTERN } from "./route-options.ts";
import { sectionOf } from "./shape.ts";

const HOST = "a host name or an IP address";

/** @internal */
export const HTTP_OPTIONS = {
  /** The address that `edge-serve run` listens on. Of no meaning once deployed. */
  host: option(v.pipe(v.string(HOST), v.minLength(1, HOST)), { nullable: true }),
  /** The port that `edge-serve run` listens on; 0 is any free one. Of no meaning once deployed. */
  port: option(integer(0, 65_535)),
  /**
   * Deadline of every HTTP request, in milliseconds.
   *
   * @default none
   */
  requestTimeoutMs: option(DEPLOYMENT_OPTIONS.requestTimeoutMs.schema, { nullable: true }),
  /**
   * The header whose value is the `key` of a request. Upper and lower case make no difference.
   *
   * @default "x-session-id"
   */
  sessionIdHeaderKey: option(text(HEADER_PATTERN, HEADER), { nullable: true, default: SESSION_HEADER }),
  /**
   * Whether a request without that header gets a new UUID as its `key`.
   *
   * @default false
   */
  sessionIdGenerated: option(boolean(), { nullable: true, default: false }),
};

/** How HTTP requests are received. What is left out is up to whoever listens. */
export interface HttpOptions extends OptionsOf<typeof HTTP_OPTIONS>, Named {}

const CAPACITY = "a finite number from 0 to 100";

/** @internal `applications` and `routes` are read entry by entry. */
export const SYSTEM_OPTIONS = {
  /** The applications of the system. */
  applications: option(v.array(v.unknown(), "an array of applications"), { required: true }),
  /** Prefixes whose requests are divided among applications. */
  routes: option(v.array(v.unknown(), "an array of routes"), { nullable: true }),
  /** How HTTP requests are received. */
  httpOptions: group<HttpOptions>(HTTP_OPTIONS, { nullable: true }),
  /**
   * Scales every number of replicas, in percent.
   *
   * @default 100
   */
  targetCapacity: option(v.pipe(v.number(CAPACITY), v.minValue(0, CAPACITY), v.maxValue(100, CAPACITY)), { nullable: true }),
  /** What is logged, unless an application or a deployment says otherwise. */
  logging: DEPLOYMENT_OPTIONS.logging,
};

/** What is looked at by code of its own. */
const given = (accepted: string) => v.custom<unknown>((value) => value !== undefined, accepted);

/** @internal The route prefix of an application that says none. */
export const DEFAULT_PREFIX = "/";

/** @internal The keys with rules of their own are read by `application-config.ts`. */
export const APPLICATION_OPTIONS = {
  /**
   * The name of the application; unique.
   *
   * @default "default"
   */
  name: option(text(NAME_PATTERN, NAME_RULE), { default: DEFAULT_NAME }),
  /**
   * The path under which HTTP requests reach it; unique. `null` is no HTTP.
   *
   * @default "/"
   */
  routePrefix: option(given('a path that starts with "/", or null for no HTTP'), { default: DEFAULT_PREFIX }),
  /** The module and export that hold the application or its builder, relative to this file. */
  importPath: option(given('"<module>:<export>", such as "src/app.ts:app", or "<module>" for its default export'), { required: true }),
  /** What the builder is called with. */
  args: option(json()),
  /** Decides the numbers of replicas of all autoscaled deployments together. */
  autoscalingPolicy: policyOption,
  /**
   * Whether callers outside the Worker reach its handle: `connect` of edge-serve/client, with the operator's token, or over a service binding.
   *
   * @default false
   */
  rpc: option(boolean()),
  /** Options that go before those in the code. */
  deployments: option(v.array(v.unknown(), "an array of deployments"), { nullable: true }),
  /** What the application's deployments log; the system's by default. */
  logging: DEPLOYMENT_OPTIONS.logging,
};

/** @internal */
export const SYSTEM = sectionOf(SYSTEM_OPTIONS, { "": SYSTEM_RAY_KEYS, httpOptions: HTTP_RAY_KEYS, logging: LOGGING_RAY_KEYS });

/** @internal */
export const APPLICATION = sectionOf(APPLICATION_OPTIONS, { "": APPLICATION_RAY_KEYS, logging: LOGGING_RAY_KEYS });
