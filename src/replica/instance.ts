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
 *   I4. No code of the class is awaited without a limit: what has not ended by then has failed, and what comes of it later
 *       changes nothing.
 *   I5. What fails is logged where it does, once, with its stack; whoever waits for a start is told besides.
 */
import { writeLog } from "../context/logger.ts";
import { type ReplicaScope, runInScope } from "../context/scope.ts";
import { type Limit, TookTooLong, withinLimit } from "../context/with-timeout.ts";
import { disposeModels, limitDisposals } from "../multiplexing/registry.ts";
import type { Failure } from "../protocol/control.ts";
import { DeploymentUnavailableError } from "../protocol/errors.ts";
import { DEFAULT_HEALTH_CHECK_TIMEOUT_MS, SETUP_LIMIT_MS } from "../protocol/limits.ts";
import { thrownText } from "../protocol/thrown.ts";
import type { HttpHandler } from "./http-handler.ts";
import { logLifecycle, told } from "./lifecycle-log.ts";
import { handlerFields, type ObjectHandler } from "./object-handlers.ts";

/** What an instance is made from. */
export interface InstanceParts {
  readonly scope: ReplicaScope;
  /** The user's class or function. */
  readonly target: Function;
  readonly isClass: boolean;
  /** Which handlers of its object's own events the class has. */
  readonly handlers?: ReadonlySet<ObjectHandler>;
  /** The constructor's arguments, with handles where applications were bound. */
  bindArgs(): readonly unknown[];
  /** What it is to be configured with now. */
  userConfig(): unknown;
  /** How long its first check, and everything but `setup`, may take; `undefined` where nobody checks, and what was compiled holds. */
  checkTimeoutMs(): number | undefined;
  /** What was compiled. */
  readonly limits?: { readonly healthCheckTimeoutMs?: number };
  /** What it was last configured with, here or before it slept; `undefined` when it never was. */
  lastUserConfig(): unknown;
  /** It has been configured with this. */
  configured(userConfig: unknown): void;
  /** It refused what it was to be configured with, and goes on with what it had. */
  refused(failure: Failure): void;
  /** It did not start. */
  failed(failure: Failure): void;
}

/** An instance that takes requests. */
export interface Started {
  /** The instance, or the function of a function deployment. */
  readonly target: object;
  handler: HttpHandler | undefined;
  /** What the instance was made with. */
  readonly userConfig?: unknown;
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
  #startingStep: string | undefined;
  #userConfig: unknown;
  /** What its class has taken last. */
  #taken: unknown;
  /** Configurations are given one after another: the class need not be prepared for two at once. */
  #reconfiguring: Promise<unknown> = Promise.resolve();
  /** The instance, once there is one. */
  started: Started | undefined;

  constructor(parts: InstanceParts) {
    this.#parts = parts;
    limitDisposals(parts.scope, () => this.#limitMs());
  }

  /** What is being waited for while it starts, such as `setup()`. */
  get startingStep(): string | undefined {
    return this.#startingStep;
  }

  /** Makes the instance, unless it is made already. Not `blockConcurrencyWhile`: a slow model load would be cut off after 30 s. */
  start(): Promise<Started> {
    if (this.started !== undefined) return Promise.resolve(this.started);
    if (this.#parts.scope.isUnshared === true) return this.#startAlone();
    this.#starting ??= this.#make()
      .then((started) => this.#begun(started))
      .catch((error: DeploymentUnavailableError) => {
        logLifecycle(error, this.#parts.scope);
        this.#parts.failed(told(error.message, error.cause));
        throw error;
      })
      .finally(() => {
        this.#starting = undefined;
        this.#startingStep = undefined;
      });
    return this.#starting;
  }

  #begun(started: Started): Started {
    this.#userConfig = this.#taken = started.userConfig;
    return (this.started = started);
  }

  // No request waits for another's promise: each that finds no instance makes one, and the first that is there is kept.
  async #startAlone(): Promise<Started> {
    try {
      const made = await this.#make();
      if (this.started === undefined) {
        this.#begun(made);
        // It may be another one meanwhile.
        await this.#reconfigure();
      } else if (this.#parts.isClass) await this.#disposeOf(made.target, "that was not needed has not cleaned up");
      return this.started ?? made;
    } catch (error) {
      if (this.started !== undefined) return this.started;
      logLifecycle(error as DeploymentUnavailableError, this.#parts.scope);
      throw error;
    }
  }

  /** Gives a running instance its newest configuration; what it threw, if it did. */
  async reconfigure(): Promise<Failure | undefined> {
    if (this.#parts.scope.isUnshared === true) return this.#reconfigure();
    // One that starts now may be made with the configuration of before.
    if (this.#starting !== undefined) await this.#starting.catch(() => {});
    const turn = this.#reconfiguring.then(() => this.#reconfigure());
    this.#reconfiguring = turn.catch(() => {});
    return turn;
  }

  async #reconfigure(): Promise<Failure | undefined> {
    const userConfig = this.#parts.userConfig();
    const { started } = this;
    if (started === undefined || isSame(userConfig, this.#userConfig)) return undefined;
    try {
      await this.#limited(() => (started.target as UserClass).reconfigure?.(userConfig));
    } catch (error) {
      const failure = told(failureOf("reconfigure()", error), error);
      logLifecycle(this.#error(`goes on with the configuration that it had: ${failure.message}`, error), this.#parts.scope);
      this.#parts.refused(failure);
      return failure;
    }
    if (this.started === started) this.#userConfig = this.#taken = userConfig;
    this.#parts.configured(userConfig);
    return undefined;
  }

  /** The class's own check; one without is well. Takes as long as it takes: whoever asks has a limit. */
  async checkHealth(): Promise<void> {
    const { target } = this.started ?? {};
    if (this.#parts.isClass && target !== undefined) await this.#inScope(() => (target as UserClass).checkHealth?.());
  }

  /** What the class records for a scaling policy of its own, whatever that is. Takes as long as it takes. */
  async recordStats(): Promise<unknown> {
    const { target } = this.started ?? {};
    if (!this.#parts.isClass || target === undefined) return undefined;
    return this.#inScope(() => (target as UserClass).recordAutoscalingStats?.());
  }

  /** Lets the instance clean up, and forgets it. Never rejects: what fails is logged. */
  async dispose(): Promise<void> {
    const { target } = this.started ?? {};
    this.started = undefined;
    this.#userConfig = undefined;
    this.#reconfiguring = Promise.resolve();
    if (!this.#parts.isClass || target === undefined) return;
    await this.#disposeOf(target, "has not cleaned up");
    await disposeModels(this.#parts.scope);
  }

  async #make(): Promise<Started> {
    const { target, isClass, userConfig, lastUserConfig, refused, configured } = this.#parts;
    if (!isClass) return { target, handler: undefined };
    const wanted = userConfig();
    try {
      const instance = await this.#construct(wanted);
      if (wanted !== undefined) configured(wanted);
      return instance;
    } catch (error) {
      const last = lastUserConfig() ?? this.#taken;
      if (!(error instanceof Refusal) || last === undefined || isSame(last, wanted)) throw reasonOf(error);
      logLifecycle(error.reason, this.#parts.scope);
      // The newest configuration is what fails: go on with the one that it took before.
      const instance = await this.#construct(last).catch((again: unknown) => {
        throw reasonOf(again);
      });
      refused(told(error.reason.message, error.reason.cause));
      return instance;
    }
  }

  // Never handed on by itself: an instance with a method `then` would be taken for a promise.
  async #construct(userConfig: unknown): Promise<Started> {
    let step = "its constructor";
    const begin = (next: string) => (this.#startingStep = step = next);
    try {
      return await this.#inScope(async () => {
        const instance = Reflect.construct(this.#parts.target, this.#parts.bindArgs()) as UserClass;
        this.#warnOfFields(instance);
        begin("setup()");
        if (instance.setup !== undefined) await withinLimit(async () => void (await instance.setup?.()), this.#limit(SETUP_LIMIT_MS));
        begin("reconfigure()");
        if (userConfig !== undefined) await this.#limited(() => instance.reconfigure?.(userConfig));
        begin("its first checkHealth()");
        await this.#findWell(instance);
        return { target: instance, handler: undefined, userConfig };
      });
    } catch (error) {
      // The next start has an instance of its own, which would never use these.
      if (this.started === undefined) await disposeModels(this.#parts.scope);
      const failure = this.#error(`cannot start: ${failureOf(step, error)}`, error);
      throw step === "reconfigure()" ? new Refusal(failure) : failure;
    }
  }

  #warnOfFields(instance: UserClass): void {
    const { handlers, scope } = this.#parts;
    const fields = handlers === undefined ? [] : handlerFields(instance, handlers);
    if (fields.length === 0) return;
    const subject = `Deployment ${JSON.stringify(scope.context.deployment)} has ${fields.join(" and ")} as a field`;
    const why = "the platform asks the class for its handlers before there is an instance, and so finds methods only.";
    writeLog("WARNING", `${subject}: ${why}`, undefined, { replica: scope, request: undefined });
  }

  async #findWell(instance: UserClass): Promise<void> {
    if (this.#parts.checkTimeoutMs() === undefined || instance.checkHealth === undefined) return;
    try {
      await this.#limited(() => instance.checkHealth?.());
    } catch (error) {
      await this.#disposeOf(instance, "that did not start has not cleaned up");
      throw error;
    }
  }

  async #disposeOf(target: UserClass, what: string): Promise<void> {
    const name = target[Symbol.asyncDispose] === undefined ? "[Symbol.dispose]()" : "[Symbol.asyncDispose]()";
    try {
      await this.#limited(() => (target[Symbol.asyncDispose] ?? target[Symbol.dispose])?.call(target));
    } catch (error) {
      logLifecycle(this.#error(`${what}: ${failureOf(name, error)}`, error), this.#parts.scope);
    }
  }

  /** Waits for code of the class's, in its scope, for as long as it may take. What it gives is nobody's. */
  #limited(act: () => unknown): Promise<void> {
    return this.#inScope(() => withinLimit(async () => void (await act()), this.#limit(this.#limitMs())));
  }

  #limit(timeoutMs: number): Limit {
    return { timeoutMs, after: this.#parts.scope.after };
  }

  #limitMs(): number {
    return this.#parts.checkTimeoutMs() ?? this.#parts.limits?.healthCheckTimeoutMs ?? DEFAULT_HEALTH_CHECK_TIMEOUT_MS;
  }

  #inScope<T>(act: () => T | Promise<T>): Promise<T> {
    return runInScope({ replica: this.#parts.scope, request: undefined }, async () => act());
  }

  #error(what: string, cause: unknown): DeploymentUnavailableError {
    const { appName, deployment } = this.#parts.scope.context;
    return new DeploymentUnavailableError(`Deployment ${JSON.stringify(deployment)} of application ${JSON.stringify(appName)} ${what}`, {
      cause,
    });
  }
}

/** The class was made, and did not take its configuration. */
class Refusal extends Error {
  readonly reason: DeploymentUnavailableError;

  constructor(reason: DeploymentUnavailableError) {
    super("refused");
    this.reason = reason;
  }
}

function reasonOf(error: unknown): unknown {
  return error instanceof Refusal ? error.reason : error;
}

function failureOf(step: string, error: unknown): string {
  return error instanceof TookTooLong ? `${step}: ${error.message}` : `${step} threw ${thrownText(error)}`;
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
