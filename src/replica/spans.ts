/**
 * How a request's code is run in a replica, and the spans of that where somebody looks at them.
 */
import { type ReplicaScope, runInScope } from "../context/scope.ts";
import type { RequestMeta } from "../protocol/messages.ts";
import { attributesOf, inSpan } from "../protocol/tracing.ts";
import type { Run } from "./run.ts";

/** A request waits for its turn. */
export async function waiting<T>(
  { context: { replicaId: replica } }: ReplicaScope,
  { meta, method }: { readonly meta: RequestMeta; readonly method?: string | undefined },
  wait: () => T | Promise<T>,
): Promise<T> {
  return meta.isTraced === true ? inSpan("serve.queue", attributesOf({ meta, replica, method }), async () => wait()) : wait();
}

/** Runs what is the application's, for a request: in its scope, and in a span of its own where somebody looks. What is streamed comes later. */
export function inScope<T>(run: Run, method: string | undefined, act: () => T): T {
  return runInScope(run, run.meta.isTraced === true ? () => running(run, method, act) : act);
}

function running<T>({ meta, trace, task, replica }: Run, method: string | undefined, act: () => T): T {
  const about = { meta, replica: replica.context.replicaId, method: method ?? "call", attempt: task?.attempt, spanId: trace.spanId };
  return inSpan("serve.run", attributesOf(about), act);
}
