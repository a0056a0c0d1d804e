/**
 * The platform's own `Request`, for what the framework makes and looks at itself.
 *
 * The global is another one once replica/request-seen.ts is loaded: it knows requests whose id is still to join their headers, and
 * every `new Request` and `instanceof Request` by it costs several microseconds more. Loaded before that changes the global.
 */

/** The class as the platform has it. */
export const PlatformRequest = globalThis.Request;
