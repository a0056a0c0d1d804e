/**
 * The platform's types as far as signatures name them, for a project that may have none of them: `edge-serve/client` and
 * `edge-serve/testing` compile with Workers types, with a browser's, with Node's, and with nothing but the language's.
 *
 * Each is the global type where there is one. They are found by what is a variable everywhere: Workers types declare some as classes,
 * which `typeof globalThis` has not.
 */

/** `Response`; without that type an object of which nothing is known. */
export type PlatformResponse = typeof globalThis extends { Response: { prototype: infer T extends object } } ? T : object;

/** `Request`; without that type an object of which nothing is known. */
export type PlatformRequest = typeof globalThis extends { Request: { prototype: infer T extends object } } ? T : object;

/** `AbortSignal`; without that type what is needed of one. */
export type PlatformSignal = typeof globalThis extends { Request: { prototype: { readonly signal: infer T extends object } } }
  ? T
  : {
      readonly aborted: boolean;
      readonly reason: unknown;
      addEventListener(type: "abort", listener: () => void, options?: { readonly once?: boolean }): void;
      removeEventListener(type: "abort", listener: () => void): void;
    };

/** What `fetch` takes beside a URL; without that type an object. */
export type PlatformRequestInit = typeof globalThis extends { fetch: (input: never, init?: infer T) => unknown } ? NonNullable<T> : object;

/** `URL`, and whatever else has an address. */
export interface PlatformUrl {
  readonly href: string;
}

/** `AsyncDisposable`; nothing where the language has no such type. */
export type PlatformAsyncDisposable = SymbolConstructor extends { readonly asyncDispose: infer Key extends symbol }
  ? { readonly [K in Key]: () => PromiseLike<void> }
  : object;
