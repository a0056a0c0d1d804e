/**
 * What a replica writes about the life of its instance: what failed outside of requests.
 *
 * A start that fails is written once, when it does, with the stack of what the class threw. The requests that waited for it
 * say only that they failed, and why, in a sentence.
 */
import { writeLog } from "../context/logger.ts";
import type { ReplicaScope } from "../context/scope.ts";
import { TookTooLong } from "../context/with-timeout.ts";
import type { Failure } from "../protocol/control.ts";
import { shortened, stackText } from "../protocol/thrown.ts";

// Weakly, because an error lives no longer for having been logged.
const written = new WeakSet<object>();

/** Writes a failure, with its cause's stack. */
export function logLifecycle(failure: Error, replica: ReplicaScope): void {
  written.add(failure);
  const error = stackOf(failure.cause);
  writeLog("ERROR", failure.message, error === undefined ? undefined : { error }, { replica, request: undefined });
}

// What took too long has no stack that says where.
function stackOf(cause: unknown): string | undefined {
  return cause instanceof TookTooLong ? undefined : stackText(cause);
}

/** What a controller is told of a failure, its stack in at most a few kilobytes. @param cause What the class threw. */
export function told(message: string, cause: unknown): Failure {
  return { message, stack: shortened(stackOf(cause) ?? "") };
}

/** Whether an error has been written already. */
export function isWritten(error: unknown): error is Error {
  return typeof error === "object" && error !== null && written.has(error);
}
