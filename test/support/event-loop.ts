/** Resolves after all that is ready to run has run, and what that made ready: not a wait for time. */
export function turnOfTheEventLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
