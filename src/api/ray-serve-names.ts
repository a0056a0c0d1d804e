/**
 * What users of Ray Serve type first. There it is called while the program runs; here a command does it.
 *
 * The parameters' types are what the compiler shows to whoever passes an application.
 */
import { ConfigError } from "../protocol/errors.ts";

function commandInstead(name: string, instead: string): never {
  throw new ConfigError(`serve.${name}() is Ray Serve's. Here ${instead}`);
}

/**
 * Ray Serve's `serve.run`. Here a command runs an application: `edge-serve run src/app.ts:app`.
 *
 * @deprecated
 * @throws ConfigError always.
 */
export const run: (_: "Export the application, and run it with: edge-serve run src/app.ts:app") => never = () =>
  commandInstead(
    "run",
    "an application is exported, and a command runs it: edge-serve run src/app.ts:app. In a test: serve() of edge-serve/testing.",
  );

/**
 * Ray Serve's `serve.start`. Here `edge-serve run` and `edge-serve deploy` start a system.
 *
 * @deprecated
 * @throws ConfigError always.
 */
export const start: (_: "Start a system with: edge-serve run src/app.ts:app") => never = () =>
  commandInstead(
    "start",
    "a command starts a system: edge-serve run src/app.ts:app, or edge-serve deploy. http_options are in the config file.",
  );

/**
 * Ray Serve's `serve.shutdown`. Here nothing runs that has to be shut down; `edge-serve delete` deletes an application.
 *
 * @deprecated
 * @throws ConfigError always.
 */
export const shutdown: (_: "Delete an application with: edge-serve delete <app>") => never = () =>
  commandInstead("shutdown", "an idle system costs nothing and needs no shutting down. To delete an application: edge-serve delete <app>.");

/**
 * Ray Serve's `serve.status`. Here a command shows it: `edge-serve status`.
 *
 * @deprecated
 * @throws ConfigError always.
 */
export const status: (_: "Show the status with: edge-serve status") => never = () =>
  commandInstead("status", "a command shows the status of a running system: edge-serve status.");
