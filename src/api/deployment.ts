/**
 * `serve.deployment`: names a class or a function as something to be deployed.
 */
import { ConfigError } from "../protocol/errors.ts";
import type { DeploymentConfig } from "../protocol/manifest.ts";
import { NAME_PATTERN, NAME_RULE } from "../protocol/names.ts";
import { Application, type Bindable, isPlain } from "./application.ts";
import { hasRouter } from "./ingress.ts";
import type { DeploymentOptions, KeyOptions } from "./options.ts";
import { checkOptions, resolveOptions } from "./resolve-options.ts";
import { NAMES_ARE_KEPT, targetName } from "./target-names.ts";
import { show } from "../protocol/wording.ts";

type Constructor = abstract new (...args: never[]) => object;
type Callable = (...args: never[]) => unknown;

/** Options that make a deployment keyed. */
export interface KeyedOptions extends DeploymentOptions {
  readonly keyed: true | KeyOptions;
}

/**
 * A class or a function with the options that it is deployed with.
 *
 * `T` is what a handle to it can call: the class's instance type, or the type of the function. `Args` are the
 * parameters of its constructor, `K` is whether it is keyed.
 */
export class Deployment<out T = unknown, in Args extends readonly unknown[] = never, out K extends boolean = false> {
  /** @internal The class or the function itself. */
  readonly target: Constructor | Callable;
  /** @internal The options as the author gave them. */
  readonly given: DeploymentOptions;
  /** @internal Use {@link deployment}. */
  constructor(target: Constructor | Callable, options: DeploymentOptions) {
    this.target = target;
    this.given = options;
    checkName(target, options);
    checkOptions(this.name, options);
    if (!this.isClass && options.userConfig !== undefined) {
      throw new ConfigError(`Deployment ${show(this.name)}: userConfig needs a class with a method reconfigure, and this is a function.`);
    }
  }

  /** Unique within an application; the name of the class or the function unless `options.name` says otherwise. */
  get name(): string {
    return this.given?.name ?? targetName(this.target);
  }

  /**
   * A copy with these options changed; options that are not named stay.
   *
   * @throws ConfigError naming the option, its value and what is accepted.
   */
  options(options: KeyedOptions): Deployment<T, Args, true>;
  options(options: DeploymentOptions): Deployment<T, Args, K>;
  options(options: DeploymentOptions): Deployment<T, Args, boolean> {
    return new Deployment<T, Args, boolean>(this.target, { ...this.given, ...options });
  }

  /**
   * Gives the constructor its arguments. An application (or a handle) stands where the constructor takes a
   * `DeploymentHandle`, also inside plain arrays and objects; the replica gets the handle.
   *
   * @throws ConfigError if an argument is or holds a deployment that is not bound.
   */
  bind(...args: { [I in keyof Args]: Bindable<Args[I]> }): Application<T, K> {
    if (!this.isClass && args.length > 0) {
      throw new ConfigError(`Deployment ${show(this.name)} is a function, so bind() takes no arguments. Use a class to bind some.`);
    }
    for (const [index, arg] of args.entries()) this.#checkArgument(arg, index + 1);
    return new Application<T, K>(this, args);
  }

  #checkArgument(arg: unknown, position: number): void {
    const found = findUnbound(arg);
    if (found === undefined) return;
    const where = found.path === "" ? "is" : `holds at ${found.path}`;
    throw new ConfigError(
      `Deployment ${show(this.name)}: argument ${position} of bind() ${where} the deployment ${show(found.name)}, ` +
        "which is not bound. Call .bind() on it.",
    );
  }

  /** Whether it has one object for each key, in place of replicas. */
  get isKeyed(): boolean {
    const { keyed = false } = this.given;
    return keyed !== false;
  }

  /** True for a class; a replica of a function deployment has no instance. */
  get isClass(): boolean {
    return isClass(this.target);
  }

  /** @internal The options with every default filled in. */
  resolve(): DeploymentConfig {
    return resolveOptions(this.given);
  }

  /** @internal For errors: which class or function this is. */
  describeTarget(): string {
    return `${this.isClass ? "class" : "function"} ${targetName(this.target) || "without a name"}`;
  }

  /** @internal Whether HTTP requests can be given to it. */
  get handlesHttp(): boolean {
    if (!this.isClass) return true;
    const prototype = this.target.prototype as Record<string, unknown>;
    // A class field (`call = serve.batch(...)`) shows only on an instance, but its name is in the class's text.
    const hasField = () => /\b(call|fetch)\b["'\]]?\s*[=,]/.test(Function.prototype.toString.call(this.target));
    return hasRouter(this.target) || typeof prototype["fetch"] === "function" || typeof prototype["call"] === "function" || hasField();
  }
}

/**
 * Makes a class or a function deployable.
 *
 * @param target A class, or a function: sync, async, or an (async) generator.
 * @param options See {@link DeploymentOptions}; everything has a default.
 * @throws ConfigError if the target is neither, has no name, or an option is not accepted.
 * @example
 * const app = serve.deployment(Greeter, { numReplicas: 2 }).bind("Hello");
 */
export function deployment<C extends abstract new (...args: never[]) => object>(
  target: C,
  options: KeyedOptions,
): Deployment<InstanceType<C>, ConstructorParameters<C>, true>;
export function deployment<C extends abstract new (...args: never[]) => object>(
  target: C,
  options?: DeploymentOptions,
): Deployment<InstanceType<C>, ConstructorParameters<C>>;
export function deployment<F extends (...args: never[]) => unknown>(target: F, options: KeyedOptions): Deployment<F, [], true>;
export function deployment<F extends (...args: never[]) => unknown>(target: F, options?: DeploymentOptions): Deployment<F, []>;
export function deployment(target: Constructor | Callable, options: DeploymentOptions = {}): Deployment<unknown, never, boolean> {
  if (typeof target !== "function") {
    const what = target === null ? "null" : `a value of type ${typeof target}`;
    // As Ray Serve's `@serve.deployment(num_replicas=2)`.
    const cure = typeof target === "object" && target !== null ? ` ${NO_DECORATOR} deployment(MyClass, { ... }).bind().` : "";
    throw new ConfigError(`deployment() takes a class or a function, got ${what}.${cure}`);
  }
  if (isDecoratorContext(options)) {
    const name = target.name || "MyClass";
    throw new ConfigError(`${NO_DECORATOR} export const app = deployment(${name}).bind().`);
  }
  return new Deployment<unknown, never, boolean>(target, options);
}

const NO_DECORATOR = "deployment() is not a decorator: call it with the class, as in";

// What a decorator is called with after the class.
function isDecoratorContext(value: unknown): boolean {
  return typeof value === "object" && value !== null && "kind" in value && "addInitializer" in value;
}

/** Where an argument holds a deployment that is not bound; each object is looked at once. */
function findUnbound(arg: unknown): { readonly path: string; readonly name: string } | undefined {
  const seen = new Set<object>();
  return find(arg, "");

  function find(value: unknown, path: string): { path: string; name: string } | undefined {
    if (value instanceof Deployment) return { path, name: value.name };
    if (!isPlain(value) || seen.has(value)) return undefined;
    seen.add(value);
    for (const [key, item] of Object.entries(value)) {
      const found = find(item, path + stepTo(key, value));
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

function stepTo(key: string, parent: object): string {
  if (Array.isArray(parent)) return `[${key}]`;
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

function checkName(target: Constructor | Callable, options: DeploymentOptions): void {
  // What is left of a class's name without them is nobody's mistake, and the build has seen the name.
  if (options?.name === undefined && !NAMES_ARE_KEPT) return;
  const name = options?.name ?? target.name;
  if (name === "") {
    throw new ConfigError(
      `The ${isClass(target) ? "class" : "function"} given to deployment() has no name. Give it one: deployment(target, { name: "..." }).`,
    );
  }
  if (typeof name !== "string" || !NAME_PATTERN.test(name)) {
    throw new ConfigError(`Deployment ${show(name)}: name must be ${NAME_RULE}, got ${show(name)}.`);
  }
}

function isClass(target: Constructor | Callable): target is Constructor {
  return /^class\b/.test(Function.prototype.toString.call(target));
}
