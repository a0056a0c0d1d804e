/**
 * A bound deployment, and the graph that bound deployments form.
 *
 * Owns: walking the graph, names, diamonds, cycles.
 * Does not own: what the graph becomes; `compile/` makes a manifest of it, the runtime replicas.
 *
 * Invariants:
 *   A1. The same `Application` bound twice is one deployment.
 *   A2. Two different deployments never share a name.
 *   A3. A deployment comes after everything it was bound to.
 */
import { show } from "../protocol/wording.ts";
import type { DeploymentHandle, KeyedHandle, RefersTo, RefersToKeyed } from "../protocol/handle-types.ts";
import { ConfigError } from "../protocol/errors.ts";
import type { Deployment } from "./deployment.ts";

/** A deployment with its constructor's arguments: what `bind` returns, and what runs. `K` is whether it is keyed. */
export class Application<out T = unknown, out K extends boolean = false> {
  /** The deployment that was bound. */
  readonly deployment: Deployment<T, never, K>;
  /** The arguments of its constructor; applications among them become handles. */
  readonly args: readonly unknown[];
  // For the compiler only: which class or function the application stands for.
  declare readonly "~target": T;
  declare readonly "~keyed": K;

  /** @internal Use `deployment(...).bind(...)`. */
  constructor(deployment: Deployment<T, never, K>, args: readonly unknown[]) {
    this.deployment = deployment;
    this.args = args;
  }

  /** The deployment's name. */
  get name(): string {
    return this.deployment.name;
  }
}

/** An application, keyed or not. */
export type AnyApplication<T = unknown> = Application<T, boolean>;

/** The handle to an application, or to a deployment by its class or function: `HandleTo<typeof app>`. */
export type HandleTo<A> = A extends { readonly "~target": infer T; readonly "~keyed": infer K }
  ? K extends true
    ? KeyedHandle<T>
    : DeploymentHandle<T>
  : DeploymentHandle<A>;

/**
 * What may be bound where the constructor takes `P`: an application (or a handle) for a handle, also inside
 * plain arrays and objects, and otherwise just `P`. A keyed one for a `KeyedHandle`.
 */
export type Bindable<P> =
  P extends RefersToKeyed<infer T>
    ? P | Application<T, true>
    : P extends RefersTo<infer T>
      ? P | Application<T>
      : P extends (...args: never[]) => unknown
        ? P
        : P extends object
          ? { [K in keyof P]: Bindable<P[K]> }
          : P;

/**
 * Every deployment reachable from `root`, what it was bound to first.
 *
 * @throws ConfigError if two of them have one name, or if they are bound in a cycle.
 */
export function deploymentsOf(root: AnyApplication, appName: string): AnyApplication[] {
  const graph = graphOf(root, appName);
  const byName = new Map<string, AnyApplication>();
  for (const application of graph) {
    const taken = byName.get(application.name);
    if (taken !== undefined) throw nameClash(appName, taken, application);
    byName.set(application.name, application);
  }
  return graph;
}

/** The same, whatever the deployments are called. */
export function graphOf(root: AnyApplication, appName: string): AnyApplication[] {
  const found = new Set<AnyApplication>();
  const path: AnyApplication[] = [];
  visit(root);
  return [...found];

  function visit(application: AnyApplication): void {
    if (found.has(application)) return;
    if (path.includes(application)) {
      const cycle = [...path.slice(path.indexOf(application)), application].map(({ name }) => name).join(" -> ");
      throw new ConfigError(
        `Application ${show(appName)}: deployments are bound in a cycle: ${cycle}. ` +
          "Let one of them get its handle at run time, with getDeploymentHandle().",
      );
    }
    path.push(application);
    mapApplications(application.args, (bound) => visit(bound));
    path.pop();
    found.add(application);
  }
}

function nameClash(appName: string, first: AnyApplication, second: AnyApplication): ConfigError {
  const targets = [first, second].map(({ deployment }) => deployment.describeTarget()).join(" and ");
  return new ConfigError(
    `Application ${show(appName)} has two different deployments named ${show(first.name)}: ${targets}. ` +
      "Give one of them another name in its options, or bind it once and use the result twice.",
  );
}

/**
 * Copies constructor arguments with every application replaced. Looks into plain arrays and objects only, at each once,
 * and returns a value that holds no application as it is.
 */
export function mapApplications(args: readonly unknown[], replace: (application: AnyApplication) => unknown): unknown[] {
  // An object that is still being looked at stands for itself: a circular one ends.
  const seen = new Map<object, unknown>();
  return args.map((arg) => map(arg));

  function map(value: unknown): unknown {
    if (value instanceof Application) return replace(value);
    if (!isPlain(value)) return value;
    if (seen.has(value)) return seen.get(value);
    seen.set(value, value);
    const entries = Object.entries(value).map(([key, item]) => [key, item, map(item)] as const);
    if (entries.every(([, before, after]) => before === after)) return value;
    const copy = Array.isArray(value)
      ? entries.map(([, , after]) => after)
      : Object.fromEntries(entries.map(([key, , after]) => [key, after]));
    seen.set(value, copy);
    return copy;
  }
}

/** An array, or an object that is no instance of a class. */
export function isPlain(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  if (Array.isArray(value)) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
