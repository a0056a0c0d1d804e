/**
 * From a config document to what is asked of the applications' code.
 */
import type { SystemConfig } from "../config/system-config.ts";
import type { DescribedApplication } from "./manifest.ts";

/** The applications of a document, with what they inherit from the whole of it. */
export function describedApplications({
  applications,
  httpOptions,
  targetCapacity,
  logging: inherited,
}: SystemConfig): DescribedApplication[] {
  const { requestTimeoutMs } = httpOptions;
  return applications.map(({ name, routePrefix, args, importPath, autoscalingPolicy, rpc, deployments, logging: own }) => {
    const logging = { ...inherited, ...own };
    return {
      name,
      routePrefix,
      importPath,
      ...(autoscalingPolicy === undefined ? {} : { autoscalingPolicy }),
      ...(rpc === undefined ? {} : { rpc }),
      deployments,
      ...(args === undefined ? {} : { args }),
      ...(targetCapacity === undefined ? {} : { targetCapacity }),
      ...(requestTimeoutMs === undefined ? {} : { httpTimeoutMs: requestTimeoutMs }),
      ...(Object.keys(logging).length === 0 ? {} : { logging }),
    };
  });
}
