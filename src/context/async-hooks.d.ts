// The one part of Node's API that workerd and Node share and that we use; `@types/node` brings far more.
declare module "node:async_hooks" {
  export class AsyncLocalStorage<T> {
    static snapshot(): <R>(body: () => R) => R;
    getStore(): T | undefined;
    run<R>(store: T, callback: () => R): R;
  }
}
