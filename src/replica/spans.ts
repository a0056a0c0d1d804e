/**
 * The spans of a request in a replica. Asked for only where somebody looks at them.
 */
import type { ReplicaScope } from "../context/scope.ts";
import type { RequestMeta } from "../protocol/messages.ts";
import { attributesOf, inSpan } from "../protocol/tracing.ts";
import type { Run } from "./run.ts";

/** A request waits for its turn. */
export function waiting<T>(
  { context: { replicaId: replica } }: ReplicaScope,
  { meta, method }: { readonly meta: RequestMeta; readonly method?: string | undefined },
  wait: () => Promise<T>,
): Promise<T> {
  return inSpan("serve.queue", attributesOf({ meta, replica, method }), wait);
}

/** A request's method runs: until what it gives has arrived. What is streamed comes later. */
export function running<T>({ meta, trace, task, replica }: Run, method: string | undefined, act: () => T): T {
  const about = { meta, replica: replica.context.replicaId, method: method ?? "call", attempt: task?.attempt, spanId: trace.spanId };
  return inSpan("serve.run", attributesOf(about), act);
}
