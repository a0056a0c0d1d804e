/**
 * One replica: an instance of the user's class, and the requests that it runs.
 *
 * Owns: starting the instance once, dispatch, what a result or an error becomes, the access log.
 * Does not own: the platform (durable-objects/replica.ts), choosing a replica (router/), handles (given by the shell).
 *
 * Invariants:
 *   R1. The instance has been constructed, set up and configured before any request reaches it.
 *   R2. A start that fails is not kept: the next request starts again.
 *   R3. `call` never rejects and `fetch` always answers; what user code throws is part of the answer.
 */
import { writeLog } from "../context/logger.ts";
import { RequestScope, type ReplicaScope, runInScope, type Scope } from "../context/scope.ts";
import { decodeError, encodeError, isFromAfar } from "../protocol/error-codec.ts";
import { DeploymentUnavailableError, ServeError } from "../protocol/errors.ts";
import { errorResponse, isDeliberate } from "../protocol/http-error.ts";
import type { CallRequest, Reply, RequestMeta } from "../protocol/messages.ts";
import { toSendable } from "../protocol/sendable.ts";
import { methodOf } from "./dispatch.ts";
import { type HttpHandler, httpHandlerOf, type MountedRouter, withClientJson } from "./http-handler.ts";
import { toResponse } from "./http-response.ts";
import { isGenerator, ItemSource } from "./item-source.ts";

/** What the shell hands to a replica. */
export interface ReplicaPorts {
  readonly scope: ReplicaScope;
  /** The user's class or function. */
  readonly target: Function;
  readonly isClass: boolean;
  readonly router: MountedRouter | undefined;
  /** The constructor's arguments, with handles where applications were bound. */
  bindArgs(): readonly unknown[];
  readonly userConfig: unknown;
  readonly env: unknown;
  readonly state: unknown;
  /** Makes the handle that a caller sent as an argument. */
  receiveHandle(ref: unknown): unknown;
}

interface Started {
  /** The instance, or the function of a function deployment. */
  readonly target: object;
  handler: HttpHandler | undefined;
}

interface UserClass {
  setup?(): unknown;
  reconfigure?(userConfig: unknown): unknown;
}

export class Replica {
  readonly #ports: ReplicaPorts;
  readonly #name: string;
  #started: Started | undefined;
  #starting: Promise<Started> | undefined;

  constructor(ports: ReplicaPorts) {
    this.#ports = ports;
    this.#name = ports.scope.context.deployment;
  }

  /** Runs a call from a handle. */
  async call(request: CallRequest): Promise<Reply> {
    const scope: Scope = { replica: this.#ports.scope, request: new RequestScope(request.meta) };
    const startedAtMs = Date.now();
    const label = `CALL ${request.method ?? "call"}`;
    try {
      const { target } = this.#started ?? (await this.#start());
      const method = methodOf(target, this.#name, request.method);
      const args = this.#receive(request);
      const result = await runInScope(scope, () => this.#run(method, target, args));
      if (isGenerator(result)) {
        const items = runInScope(scope, () => new ItemSource(result, `An item of ${this.#subject(request)}`, () => {}));
        this.#logAccess(`${label} OK`, startedAtMs, scope);
        return { kind: "stream", items };
      }
      const value = toSendable(result, `The result of ${this.#subject(request)}`);
      this.#logAccess(`${label} OK`, startedAtMs, scope);
      return { kind: "value", value };
    } catch (error) {
      this.#logFailure(error, scope);
      this.#logAccess(`${label} ERROR`, startedAtMs, scope);
      return { kind: "error", error: encodeError(error) };
    }
  }

  /** Answers an HTTP request whose path has lost the application's prefix. */
  async fetch(request: Request, meta: RequestMeta): Promise<Response> {
    const scope: Scope = { replica: this.#ports.scope, request: new RequestScope(meta, request) };
    const startedAtMs = Date.now();
    let response: Response;
    try {
      const started = this.#started ?? (await this.#start());
      const handler = (started.handler ??= httpHandlerOf(started.target, this.#name, this.#ports.router, this.#ports));
      response = await runInScope(scope, async () => toResponse(await handler(withClientJson(request)), scope));
    } catch (error) {
      if (!isDeliberate(error)) this.#logFailure(error, scope);
      response = errorResponse(error);
    }
    this.#logAccess(`${request.method} ${meta.routePrefix ?? ""} ${response.status}`, startedAtMs, scope);
    return withRequestId(response, meta.requestId);
  }

  // A generator's body runs in the scope of whoever asks for its items, so it is started there too.
  #run(method: (...args: unknown[]) => unknown, target: object, args: readonly unknown[]): unknown {
    return typeof target === "function" ? method(...args) : method.apply(target, args as unknown[]);
  }

  #receive({ args, handleArgs }: CallRequest): readonly unknown[] {
    if (handleArgs === undefined) return args;
    return args.map((arg, index) => (handleArgs.includes(index) ? this.#ports.receiveHandle(arg) : arg));
  }

  #subject({ method }: CallRequest): string {
    return JSON.stringify(`${this.#name}.${method ?? "call"}`);
  }

  // Not `blockConcurrencyWhile`: a slow model load would be cut off after 30 s. Requests await this promise instead.
  #start(): Promise<Started> {
    this.#starting ??= this.#construct()
      .then((target) => (this.#started = { target, handler: undefined }))
      .finally(() => (this.#starting = undefined));
    return this.#starting;
  }

  async #construct(): Promise<object> {
    const { target, isClass, userConfig, scope } = this.#ports;
    if (!isClass) return target;
    let step = "its constructor";
    try {
      return await runInScope({ replica: scope, request: undefined }, async () => {
        const instance = Reflect.construct(target, this.#ports.bindArgs()) as UserClass;
        step = "setup()";
        await instance.setup?.();
        step = "reconfigure()";
        if (userConfig !== undefined) await instance.reconfigure?.(userConfig);
        return instance;
      });
    } catch (error) {
      throw this.#startFailure(step, error);
    }
  }

  #startFailure(step: string, error: unknown): DeploymentUnavailableError {
    const { appName, deployment } = this.#ports.scope.context;
    const thrown = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    return new DeploymentUnavailableError(
      `Deployment ${JSON.stringify(deployment)} of application ${JSON.stringify(appName)} cannot start: ${step} threw ${thrown}`,
      { cause: error },
    );
  }

  // An error that came from another replica has been logged there.
  #logFailure(error: unknown, scope: Scope): void {
    if (isFromAfar(error) && scope.request?.meta.hops !== 0) return;
    const level = error instanceof ServeError && error.status !== 500 && error.cause === undefined ? "WARNING" : "ERROR";
    const thrown = error instanceof Error ? error : decodeError(encodeError(error));
    writeLog(level, thrown instanceof Error ? thrown.message : String(thrown), { error: describe(thrown) }, scope);
  }

  #logAccess(what: string, startedAtMs: number, scope: Scope): void {
    if (!scope.replica.logging.accessLog) return;
    writeLog("INFO", `${what} ${Date.now() - startedAtMs}ms`, undefined, scope);
  }
}

function describe(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const own = thrown.stack ?? `${thrown.name}: ${thrown.message}`;
  return thrown.cause === undefined ? own : `${own}\nCaused by: ${describe(thrown.cause)}`;
}

function withRequestId(response: Response, requestId: string): Response {
  try {
    response.headers.set("x-request-id", requestId);
    return response;
  } catch {
    // A response that came from fetch() has immutable headers.
    const copy = new Response(response.body, response);
    copy.headers.set("x-request-id", requestId);
    return copy;
  }
}
