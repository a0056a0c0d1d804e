/**
 * The instance of the user's class: made once, configured, checked, and disposed of.
 *
 * Owns: the order of constructor, `setup`, `reconfigure` and the first health check, and what each failure is called.
 * Does not own: requests.
 *
 * Invariants:
 *   I1. Whoever asks for the instance gets one that has been constructed, set up, configured, and found well.
 *   I2. A start that fails is not kept: the next one starts again.
 *   I3. It is configured with the newest configuration that its class takes; one that it refuses leaves it as it was.
 */
import { type ReplicaScope, runInScope } from "../context/scope.ts";
import { disposeModels } from "../multiplexing/registry.ts";
import { DeploymentUnavailableError } from "../protocol/errors.ts";
import type { HttpHandler } from "./http-handler.ts";
import { within } from "../context/within.ts";

/** What an instance is made from. */
export interface InstanceParts {
  readonly scope: ReplicaScope;
  /** The user's class or function. */
  readonly target: Function;
  readonly isClass: boolean;
  /** The constructor's arguments, with handles where applications were bound. */
  bindArgs(): readonly unknown[];
  /** What it is to be configured with now. */
  userConfig(): unknown;
  /** How long its first check may take; `undefined` where nobody checks. */
  checkTimeoutMs(): number | undefined;
  /** What it was last configured with, here or before it slept; `undefined` when it never was. */
  lastUserConfig(): unknown;
  /** It has been configured with this. */
  configured(userConfig: unknown): void;
  /** It refused what it was to be configured with, and goes on with what it had. */
  refused(failure: string): void;
  /** It did not start. */
  failed(message: string): void;
}

/** An instance that takes requests. */
export interface Started {
  /** The instance, or the function of a function deployment. */
  readonly target: object;
  handler: HttpHandler | undefined;
}

interface UserClass {
  setup?(): unknown;
  reconfigure?(userConfig: unknown): unknown;
  checkHealth?(): unknown;
  recordAutoscalingStats?(): unknown;
  [Symbol.asyncDispose]?(): unknown;
  [Symbol.dispose]?(): unknown;
}

export class Instance {
  readonly #parts: InstanceParts;
  #starting: Promise<Started> | undefined;
  #userConfig: unknown;
  /** Configurations are given one after another: the class need not be prepared for two at once. */
  #reconfiguring: Promise<unknown> = Promise.resolve();
  /** The instance, once there is one. */
  started: Started | undefined;

  constructor(parts: InstanceParts) {
    this.#parts = parts;
  }

  /** Makes the instance, unless it is made already. Not `blockConcurrencyWhile`: a slow model load would be cut off after 30 s. */
  start(): Promise<Started> {
    if (this.started !== undefined) return Promise.resolve(this.started);
    this.#starting ??= this.#make()
      .then((target) => (this.started = { target, handler: undefined }))
      .catch((error: Error) => {
        this.#parts.failed(error.message);
        throw error;
      })
      .finally(() => (this.#starting = undefined));
    return this.#starting;
  }

  /** Gives a running instance its newest configuration; what it threw, if it did. */
  async reconfigure(): Promise<string | undefined> {
    // One that starts now may be made with the configuration of before.
    if (this.#starting !== undefined) await this.#starting.catch(() => {});
    const turn = this.#reconfiguring.then(() => this.#reconfigure());
    this.#reconfiguring = turn.catch(() => {});
    return turn;
  }

  async #reconfigure(): Promise<string | undefined> {
    const userConfig = this.#parts.userConfig();
    const { started } = this;
    if (started === undefined || isSame(userConfig, this.#userConfig)) return undefined;
    try {
      await this.#inScope(() => (started.target as UserClass).reconfigure?.(userConfig));
    } catch (error) {
      const failure = `reconfigure() threw ${thrown(error)}`;
      this.#parts.refused(failure);
      return failure;
    }
    if (this.started === started) this.#userConfig = userConfig;
    this.#parts.configured(userConfig);
    return undefined;
  }

  /** The class's own check; one without is well. */
  async checkHealth(): Promise<void> {
    const { target } = this.started ?? {};
    if (this.#parts.isClass && target !== undefined) await this.#inScope(() => (target as UserClass).checkHealth?.());
  }

  /** What the class records for a scaling policy of its own. */
  async recordStats(): Promise<Readonly<Record<string, number>> | undefined> {
    const { target } = this.started ?? {};
    if (!this.#parts.isClass || target === undefined) return undefined;
    return (await this.#inScope(() => (target as UserClass).recordAutoscalingStats?.())) as Readonly<Record<string, number>> | undefined;
  }

  /** Lets the instance clean up, and forgets it. What that throws is for the log. */
  async dispose(): Promise<void> {
    const { target } = this.started ?? {};
    this.started = undefined;
    this.#userConfig = undefined;
    this.#reconfiguring = Promise.resolve();
    if (!this.#parts.isClass || target === undefined) return;
    try {
      await this.#inScope(() => disposeOf(target));
    } finally {
      await disposeModels(this.#parts.scope);
    }
  }

  async #make(): Promise<object> {
    const { target, isClass, userConfig, lastUserConfig, refused, configured } = this.#parts;
    if (!isClass) return target;
    const wanted = userConfig();
    try {
      const instance = await this.#construct(wanted);
      if (wanted !== undefined) configured(wanted);
      return instance;
    } catch (error) {
      const last = lastUserConfig();
      if (!(error instanceof Refusal) || last === undefined || isSame(last, wanted)) throw reasonOf(error);
      // The newest configuration is what fails: go on with the one that it took before.
      const instance = await this.#construct(last).catch((again: unknown) => {
        throw reasonOf(again);
      });
      refused((error.cause as Error).message);
      return instance;
    }
  }

  async #construct(userConfig: unknown): Promise<object> {
    let step = "its constructor";
    try {
      return await this.#inScope(async () => {
        const instance = Reflect.construct(this.#parts.target, this.#parts.bindArgs()) as UserClass;
        step = "setup()";
        await instance.setup?.();
        step = "reconfigure()";
        if (userConfig !== undefined) await instance.reconfigure?.(userConfig);
        step = "its first checkHealth()";
        await this.#findWell(instance);
        this.#userConfig = userConfig;
        return instance;
      });
    } catch (error) {
      // The next start has an instance of its own, which would never use these.
      await disposeModels(this.#parts.scope);
      const failure = this.#failure(step, error);
      throw step === "reconfigure()" ? new Refusal(failure) : failure;
    }
  }

  async #findWell(instance: UserClass): Promise<void> {
    const timeoutMs = this.#parts.checkTimeoutMs();
    if (timeoutMs === undefined || instance.checkHealth === undefined) return;
    try {
      await within(Promise.resolve(instance.checkHealth()), timeoutMs, () => {
        throw new Error(`it took longer than ${timeoutMs} ms`);
      });
    } catch (error) {
      // What that throws in turn says less than why the instance is not wanted.
      await Promise.resolve(disposeOf(instance)).catch(() => {});
      throw error;
    }
  }

  #inScope<T>(act: () => T | Promise<T>): Promise<T> {
    return runInScope({ replica: this.#parts.scope, request: undefined }, async () => act());
  }

  #failure(step: string, error: unknown): DeploymentUnavailableError {
    const { appName, deployment } = this.#parts.scope.context;
    return new DeploymentUnavailableError(
      `Deployment ${JSON.stringify(deployment)} of application ${JSON.stringify(appName)} cannot start: ${step} threw ${thrown(error)}`,
      { cause: error },
    );
  }
}

function disposeOf(instance: UserClass): unknown {
  return instance[Symbol.asyncDispose]?.() ?? instance[Symbol.dispose]?.();
}

/** The class was made, and did not take its configuration. */
class Refusal extends Error {
  constructor(cause: DeploymentUnavailableError) {
    super("refused", { cause });
  }
}

function reasonOf(error: unknown): unknown {
  return error instanceof Refusal ? error.cause : error;
}

function thrown(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
