/** What `promise` resolves to, or `late()` after `timeoutMs`. Leaves no timer behind: one would keep the replica awake. */
export async function within<T>(promise: Promise<T>, timeoutMs: number, late: () => T): Promise<T> {
  const { promise: timeout, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, timeoutMs);
  try {
    return await Promise.race([promise, timeout.then(late)]);
  } finally {
    clearTimeout(timer);
  }
}
