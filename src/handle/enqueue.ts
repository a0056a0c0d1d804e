/**
 * `handle.method.enqueue(...)`: a call that is stored, and run later.
 */
import { ConfigError } from "../protocol/errors.ts";
import type { HandleOptions } from "../protocol/handle-types.ts";
import type { RequestMeta } from "../protocol/messages.ts";
import type { TaskPort, TaskRouting } from "../protocol/tasks.ts";
import { RemoteTask } from "./remote-task.ts";

/** Where enqueued calls go. */
export interface EnqueueTarget {
  readonly app: string;
  readonly deployment: string;
  /** Of the object of a key. */
  readonly key?: string;
  /** Whether the deployment has the option `tasks`, as far as is known. */
  readonly takesTasks?: boolean | undefined;
  /** Missing where no deployment of the system has it. */
  readonly tasks?: TaskPort | undefined;
}

/** What is enqueued. */
export interface EnqueuedCall {
  readonly method: string | undefined;
  /** What was given, with what had not arrived in its place. */
  readonly args: readonly unknown[];
  readonly options: HandleOptions;
  /** Of the request that enqueues it: attempts continue its trace. */
  readonly trace: Pick<RequestMeta, "traceparent" | "tracestate">;
}

/** Resolves with the task once it is durable. */
export async function enqueueTo(
  { app, deployment, key, takesTasks, tasks }: EnqueueTarget,
  { method, args, options, trace: { traceparent, tracestate } }: EnqueuedCall,
): Promise<RemoteTask> {
  if (tasks === undefined || takesTasks !== true) {
    throw new ConfigError(
      `${JSON.stringify(`${deployment}.${method ?? "call"}`)} of application ${JSON.stringify(app)} cannot be enqueued: the deployment ` +
        `has no option tasks. Add tasks: {} to the options of deployment ${JSON.stringify(deployment)}, and build.`,
    );
  }
  const { idempotencyKey, delayMs } = options;
  const routing = routingOf(options);
  const id = await tasks.enqueue({
    app,
    deployment,
    args,
    ...(method === undefined ? {} : { method }),
    ...(key === undefined ? {} : { key }),
    ...(routing === undefined ? {} : { routing }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    ...(delayMs === undefined ? {} : { delayMs }),
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(tracestate === undefined ? {} : { tracestate }),
  });
  return new RemoteTask(id, tasks);
}

function routingOf({ key, multiplexedModelId }: HandleOptions): TaskRouting | undefined {
  if (key === undefined && multiplexedModelId === undefined) return undefined;
  return { ...(key === undefined ? {} : { key }), ...(multiplexedModelId === undefined ? {} : { multiplexedModelId }) };
}
