/**
 * Applications of other suites with every deployment inline: what holds for replicas has to hold for these too.
 */
import { Application, deployment } from "edge-serve";
import * as crossings from "./crossings.ts";
import * as handles from "./handles.ts";
import * as httpKinds from "./http-kinds.ts";
import * as http from "./http.ts";
import * as routers from "./routers.ts";
import * as strangers from "./strangers.ts";

/** The options that say something of replicas. */
const OF_REPLICAS = [
  "numReplicas",
  "autoscaling",
  "requestRouter",
  "healthCheckPeriodMs",
  "healthCheckTimeoutMs",
  "gracefulShutdownTimeoutMs",
  "maxConstructorRetryCount",
  "retries",
];

/** The same graph, inline. */
function inlined(app: Application): Application {
  const made = new Map<unknown, unknown>();
  const again = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(again);
    if (value !== null && typeof value === "object" && Object.getPrototypeOf(value) === Object.prototype)
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, again(item)]));
    if (!(value instanceof Application)) return value;
    if (!made.has(value)) {
      const { target, given, name } = value.deployment as never as { target: never; given: object; name: string };
      const kept = Object.fromEntries(Object.entries(given).filter(([option]) => !OF_REPLICAS.includes(option)));
      made.set(value, (deployment(target, { ...kept, name, placement: "inline" }).bind as Function)(...value.args.map(again)));
    }
    return made.get(value);
  };
  return again(app) as Application;
}

const APPS: Readonly<Record<string, object>> = { handles, http, "http-kinds": httpKinds, routers, crossings, strangers };

/** @param args `of`: a module of this folder and its export, as in `http.conversions`. */
export function build({ of }: { of: string }): Application {
  const [module = "", name = ""] = of.split(".");
  return inlined((APPS[module] as Record<string, Application>)[name]!);
}
