/**
 * `edge-serve/testing`: serving an application under test, in workerd or in this process.
 *
 * @module
 */
export { runLocal } from "./local/run-local.ts";
export { LogLine } from "./testing/log-line.ts";
export { serve, type ServeOptions, type Server } from "./testing/serve.ts";
