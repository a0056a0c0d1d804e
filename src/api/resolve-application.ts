/**
 * What an `import_path` may name: an application, or a builder that returns one.
 */
import { ConfigError } from "../protocol/errors.ts";
import { type AnyApplication, Application } from "./application.ts";
import { Deployment } from "./deployment.ts";
import { show } from "../protocol/wording.ts";

const ACCEPTED = "an Application, as bind() returns it, or a function (args) => Application";

/**
 * The application that a module exports, or that the builder it exports returns for `args`.
 *
 * @throws ConfigError that names the application, says what the export is and what is accepted. What a builder
 * throws passes through.
 */
export function resolveApplication(name: string, exported: unknown, args?: unknown): AnyApplication {
  const subject = `Application ${show(name)}`;
  if (exported instanceof Application) {
    if (args !== undefined) {
      throw new ConfigError(
        `${subject}: args are given (${show(args)}), but import_path names an application, which takes none. ` +
          "Remove args, or let import_path name a function (args) => Application.",
      );
    }
    return exported;
  }
  if (typeof exported !== "function" || isClass(exported)) {
    throw new ConfigError(`${subject}: import_path names ${describe(exported)}. It must name ${ACCEPTED}.${cure(exported)}`);
  }
  const built: unknown = (exported as (args: unknown) => unknown)(args ?? {});
  if (built instanceof Application) return built;
  throw new ConfigError(
    `${subject}: the function ${exported.name || "that import_path names"} returned ${describe(built)}. It must return an Application, ` +
      `as bind() returns it.${built instanceof Promise ? " A builder is not async." : cure(built)}`,
  );
}

function isClass(value: unknown): value is new () => unknown {
  return typeof value === "function" && /^class\b/.test(Function.prototype.toString.call(value));
}

function describe(value: unknown): string {
  if (value instanceof Deployment) return `the deployment ${show(value.name)}, which is not bound`;
  if (isClass(value)) return `class ${value.name}`;
  if (value instanceof Promise) return "a promise";
  if (value === undefined) return "nothing: there is no such export, or it is undefined";
  return typeof value === "object" && value !== null ? "an object that is no application" : show(value);
}

function cure(value: unknown): string {
  if (value instanceof Deployment) return " Call .bind() on it.";
  return isClass(value) ? ` Deploy the class with deployment(${value.name}).bind().` : "";
}
