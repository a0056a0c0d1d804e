/**
 * One replica: an instance of the user's class, and the requests that it runs.
 *
 * Owns: the way of a request through the replica, dispatch, what a result or an error becomes.
 * Does not own: the instance's life (instance.ts), what its controller says (control.ts), the platform
 * (durable-objects/replica.ts), choosing a replica (router/), handles (given by the shell).
 *
 * Invariants:
 *   R1. The instance has been constructed, set up and configured before any request reaches it.
 *   R2. A start that fails is not kept: the next request starts again.
 *   R3. `call` never rejects and `fetch` always answers; what user code throws is part of the answer.
 *   R4. A request holds its slot until its last byte, item or message; then the slot is free, whatever happened. Nothing
 *       that may throw, or take long, comes between the end of a request and that.
 *   R5. A request whose instance does not start has not begun, and its caller is told so.
 */
import { ClientWatch } from "../context/client-watch.ts";
import { writeLog } from "../context/logger.ts";
import { RequestScope, type ReplicaScope, runInScope, type Scope } from "../context/scope.ts";
import type { Assignment, OrderOutcome } from "../protocol/control.ts";
import { encodeError } from "../protocol/error-codec.ts";
import { RequestCancelledError } from "../protocol/errors.ts";
import { errorResponse, isDeliberate } from "../protocol/http-error.ts";
import type { CallRequest, Delivery, Refusal, Reply, RequestMeta, Reservation } from "../protocol/messages.ts";
import type { ReplicaSet } from "../protocol/replica-set.ts";
import { withRequestId } from "../protocol/request-id.ts";
import { isScalar } from "../protocol/sendable.ts";
import { withAnswerHeaders } from "./answer-headers.ts";
import { Admission, type AdmissionLimits, type Slot } from "./admission.ts";
import { type ControlParts, ReplicaControl } from "./control.ts";
import { methodOf } from "./dispatch.ts";
import { httpHandlerOf, type MountedRouter } from "./http-handler.ts";
import { toResponse } from "./http-response.ts";
import { Instance, type Started } from "./instance.ts";
import { isGenerator, ItemSource } from "./item-source.ts";
import { isResponse, thrownResponse } from "./own-response.ts";
import { type Failed, ReplicaMeter } from "./replica-meter.ts";
import { logCall, logFailure, logFetch } from "./request-log.ts";
import { seenRequest } from "./request-seen.ts";
import { resultAnswer } from "./result.ts";
import { type Run, Runs } from "./runs.ts";
import type { WhenDone } from "./sent.ts";

/** What the shell hands to a replica. */
export interface ReplicaPorts {
  readonly scope: ReplicaScope;
  /** The user's class or function. */
  readonly target: Function;
  readonly isClass: boolean;
  readonly router: MountedRouter | undefined;
  readonly limits: AdmissionLimits & { readonly healthCheckTimeoutMs?: number };
  now(): number;
  /**
   * Returns what to send for a response, and calls `done` once when the last of it has been sent. A stream of the user's
   * own goes on asking for chunks while it is sent: in `scope`.
   */
  whenSent(response: Response, done: WhenDone, scope: Scope): Response;
  /** The constructor's arguments, with handles where applications were bound. */
  bindArgs(): readonly unknown[];
  readonly userConfig: unknown;
  /** Where the replica's controller is; a replica without one goes by what it was given here. */
  readonly control?: ControlParts;
  readonly env: unknown;
  readonly state: unknown;
  /** Makes the handle that a caller sent as an argument. */
  receiveHandle(ref: unknown): unknown;
}

/** How long a call waits behind a call of its own chain before the log says so. */
const OWN_CHAIN_MS = 5000;

/** An instance that did not start, and why. */
interface Unstarted {
  readonly failed: unknown;
}

/** A request without a `delivery` comes from no router, as in a test, or from an older one: it takes its turn. */
const inTurn = (number: number): Delivery => ({ id: `unnamed.${number}`, mode: "queue" });

function after(ms: number, happen: () => void): () => void {
  const timer = setTimeout(happen, ms);
  return () => clearTimeout(timer);
}

export class Replica {
  readonly #ports: ReplicaPorts;
  readonly #name: string;
  readonly #admission: Admission;
  readonly #clients = new ClientWatch();
  readonly #instance: Instance;
  readonly #control: ReplicaControl | undefined;
  readonly #meter: ReplicaMeter;
  readonly #runs: Runs;
  #unnamed = 0;

  constructor(ports: ReplicaPorts) {
    const { scope, limits, now, control, userConfig } = ports;
    this.#ports = ports;
    this.#name = scope.context.deployment;
    this.#admission = new Admission(limits, { now, after }, control === undefined ? undefined : (load) => this.#control?.loadChanged(load));
    this.#meter = new ReplicaMeter(scope, now(), () => this.#admission.load);
    this.#runs = new Runs(this.#meter, now);
    this.#instance = new Instance({
      ...ports,
      userConfig: () => (this.#control === undefined ? userConfig : this.#control.userConfig),
      lastUserConfig: () => this.#control?.lastUserConfig,
      checkTimeoutMs: () => this.#control?.healthCheckTimeoutMs,
      configured: (taken) => this.#control?.configured(taken),
      refused: (failure) => this.#control?.refused(failure),
      failed: (message) => this.#control?.startFailed(message),
    });
    if (control === undefined) return;
    this.#control = new ReplicaControl(control, {
      admission: this.#admission,
      instance: this.#instance,
      meter: this.#meter,
      runs: this.#runs,
      now,
      warn: (message) => this.#warn(message),
    });
  }

  /** Runs a call from a handle, or refuses it. */
  async call(request: CallRequest): Promise<Reply> {
    const delivery = request.delivery ?? inTurn(this.#unnamed++);
    try {
      const admitted = this.#admit(request.meta, delivery);
      const slot = admitted instanceof Promise ? await admitted : admitted;
      if (slot === undefined) return this.#refusal(delivery);
      const reply = await this.#call(request, delivery.id, slot);
      const set = this.#control?.newsFor(delivery.epoch);
      return set === undefined ? reply : { ...reply, set };
    } catch (error) {
      this.#meter.gaveUp(request.meta.routePrefix, error);
      return { kind: "error", error: encodeError(error) };
    }
  }

  /** Answers an HTTP request whose path has lost the application's prefix, or refuses it. */
  async fetch(request: Request, meta: RequestMeta, delivery: Delivery = inTurn(this.#unnamed++)): Promise<Response | Refusal> {
    try {
      const admitted = this.#admit(meta, delivery);
      const slot = admitted instanceof Promise ? await admitted : admitted;
      return slot === undefined ? this.#refusal(delivery) : await this.#fetch(request, meta, { id: delivery.id, slot });
    } catch (error) {
      const response = errorResponse(error);
      this.#meter.gaveUp(meta.routePrefix, error, { method: request.method, status: response.status });
      return withRequestId(response, meta.requestId);
    }
  }

  /** Keeps a slot for the request with this id, which comes next. */
  async reserve(meta: RequestMeta, delivery: Delivery): Promise<Reservation> {
    const { id, mode } = delivery;
    try {
      await this.#control?.renewal(meta, delivery);
      if (this.#control?.isMisled(meta) === true) return this.#refusal(delivery);
      const turn = this.#admission.reserve(id, meta.deadline, mode === "queue");
      const isReserved = turn instanceof Promise ? await this.#waitWatched(turn, meta) : turn;
      return isReserved ? { kind: "reserved", grant: this.#grantOf(id) } : this.#refusal(delivery);
    } catch (error) {
      return { kind: "error", error: encodeError(error) };
    }
  }

  #grantOf(id: string): Disposable {
    return { [Symbol.dispose]: () => void this.#admission.withdraw(id, undefined) };
  }

  // A call that waits for a slot which a call before it in the same chain holds waits for itself.
  #waitWatched<T>(turn: Promise<T>, { chain }: RequestMeta): Promise<T> {
    if (chain.indexOf(chain.at(-1)!) === chain.length - 1) return turn;
    const stop = after(OWN_CHAIN_MS, () =>
      this.#warn(
        `A call has waited ${OWN_CHAIN_MS / 1000} s for a slot that a call before it may hold: ${chain.join(" -> ")}. ` +
          `Raise maxOngoingRequests of ${JSON.stringify(this.#name)}, or set requestTimeoutMs.`,
      ),
    );
    return turn.finally(stop);
  }

  /** Stops a request: a waiting one leaves the queue, a running one sees its signal abort. */
  cancel(id: string, reason: unknown): void {
    if (!this.#admission.withdraw(id, reason)) this.#runs.abort(id, reason);
  }

  /** What the replica has on its hands. */
  get load(): Refusal["load"] {
    return this.#admission.load;
  }

  /** The newest replica set, for a caller that knows an older one. */
  newsFor(epoch: number | undefined): ReplicaSet | undefined {
    return this.#control?.newsFor(epoch);
  }

  /** Does what the replica's controller orders. */
  async assign(assignment: Assignment, isStart: boolean): Promise<OrderOutcome> {
    if (this.#control === undefined) throw new Error("This replica has no controller.");
    return this.#control.assign(assignment, isStart);
  }

  #refusal({ mode, epoch }: Delivery): Refusal {
    this.#meter.refused(mode);
    const set = this.#control?.newsFor(epoch);
    return { kind: "refused", load: this.#admission.load, ...(set === undefined ? {} : { set }) };
  }

  #admit(meta: RequestMeta, delivery: Delivery): Slot | Promise<Slot | undefined> | undefined {
    if (delivery.isReserved === true) return this.#admission.arrive(delivery.id);
    const renewal = this.#control?.renewal(meta, delivery);
    return renewal === undefined ? this.#take(meta, delivery) : renewal.then(() => this.#take(meta, delivery));
  }

  #take(meta: RequestMeta, { id, mode }: Delivery): Slot | Promise<Slot> | undefined {
    if (this.#control?.isMisled(meta) === true) return undefined;
    return mode === "claim" ? this.#admission.claim() : this.#admission.queue(id, meta.deadline);
  }

  async #call(request: CallRequest, id: string, slot: Slot): Promise<Reply> {
    const running = new RequestScope(request.meta);
    const scope: Scope = { replica: this.#ports.scope, request: running };
    const run = this.#runs.begin(id, slot, running);
    let reply: Reply | undefined;
    let failed: Failed | undefined;
    try {
      const started = this.#instance.started ?? (await this.#start(run, scope));
      if ("failed" in started) return this.#unstarted(started);
      const method = methodOf(started.target, this.#name, request.method);
      const args = this.#receive(request);
      const result = await runInScope(scope, () => this.#run(method, started.target, args));
      reply = isGenerator(result)
        ? { kind: "stream", items: this.#itemsOf(result, request, scope, (failed) => this.#runs.finish(run, failed)) }
        : resultAnswer(result, () => `The result of ${this.#subject(request)}`, scope);
    } catch (error) {
      failed = { error };
    } finally {
      if (reply?.kind !== "stream") this.#runs.finish(run, failed);
    }
    logCall(request.method, failed === undefined ? "OK" : running.isAborted ? "CANCELLED" : "ERROR", run.startedAtMs, scope);
    if (failed !== undefined) logFailure(failed.error, scope);
    return reply ?? { kind: "error", error: encodeError(failed!.error) };
  }

  #itemsOf(generator: AsyncGenerator | Generator, request: CallRequest, scope: Scope, finish: (failed?: Failed) => void): ItemSource {
    const cancelled = () => scope.request?.abort(new RequestCancelledError("The stream was cancelled by its caller."));
    const subject = `An item of ${this.#subject(request)}`;
    const items = runInScope(scope, () => new ItemSource(generator, subject, { ended: finish, cancelled }));
    // In its scope, which its `finally` runs in. What that throws has nobody to go to.
    scope.request?.onAbort(() => void runInScope(scope, () => items.cancel()).catch(() => {}));
    return items;
  }

  async #fetch(
    request: Request,
    meta: RequestMeta,
    { id, slot }: { readonly id: string; readonly slot: Slot },
  ): Promise<Response | Refusal> {
    const running = new RequestScope(meta, request, this.#clients);
    const scope: Scope = { replica: this.#ports.scope, request: running };
    const run = this.#runs.begin(id, slot, running);
    const { method } = request;
    let response: Response | undefined;
    let failed: Failed | undefined;
    let isHeld = false;
    try {
      const started = this.#instance.started ?? (await this.#start(run, scope));
      if ("failed" in started) return this.#unstarted(started);
      const handler = (started.handler ??= httpHandlerOf(started.target, this.#name, this.#ports.router, this.#ports));
      let result: unknown;
      try {
        result = await runInScope(scope, () => handler(seenRequest(request, meta.requestId)));
      } catch (thrown) {
        result = thrownResponse(thrown);
      }
      // What has no code of its own needs no scope.
      const isOwn = isResponse(result);
      const isPassive = isOwn || isScalar(result);
      const made = isPassive ? toResponse(result, scope, request) : runInScope(scope, () => toResponse(result, scope, request));
      const answer = await made;
      response = withAnswerHeaders(answer, request, meta, !isOwn);
      // A stream is a promise of a response; anything else but the handler's own is in memory.
      if (made !== answer || made === result) {
        const { status } = response;
        response = this.#ports.whenSent(response, (failure) => this.#answered(run, method, status, failure), scope);
        isHeld = true;
      }
    } catch (error) {
      failed = { error };
      response = undefined;
    } finally {
      if (!isHeld) this.#runs.finish(run, failed);
    }
    if (failed !== undefined && !isDeliberate(failed.error)) logFailure(failed.error, scope);
    response ??= withRequestId(errorResponse(failed!.error), meta.requestId);
    const { status } = response;
    if (!isHeld) this.#meter.answered(run, method, status);
    logFetch({ method, status }, request, run.startedAtMs, scope);
    return response;
  }

  #answered(run: Run, method: string, status: number, failed: Failed | undefined): void {
    if (this.#runs.finish(run, failed)) this.#meter.answered(run, method, status);
  }

  // Nothing of the user's is held by a request that finds no instance.
  async #start(run: Run, scope: Scope): Promise<Started | Unstarted> {
    try {
      return await this.#instance.start();
    } catch (error) {
      this.#runs.finish(run, { error });
      logFailure(error, scope);
      return { failed: error };
    }
  }

  #unstarted({ failed }: Unstarted): Refusal {
    return { kind: "refused", load: this.#admission.load, failedStart: encodeError(failed) };
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

  #warn(message: string): void {
    writeLog("WARNING", message, undefined, { replica: this.#ports.scope, request: undefined });
  }
}
