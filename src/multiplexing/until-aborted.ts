import type { RequestScope } from "../context/scope.ts";

/** What `promise` gives, unless the request is aborted first; then `withdraw` is called, and it rejects with the reason. */
export function untilAborted<T>(promise: Promise<T>, request: RequestScope | undefined, withdraw?: () => void): Promise<T> {
  if (request === undefined) return promise;
  return new Promise((resolve, reject) => {
    const forget = request.onAbort((reason) => {
      withdraw?.();
      reject(reason as Error);
    });
    promise.then(resolve, reject).finally(forget);
  });
}
