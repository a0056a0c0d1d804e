/**
 * One replica: an instance of the user's class, and the requests that it runs.
 *
 * Owns: the way of a request through the replica, dispatch, what a result or an error becomes.
 * Does not own: the instance's life (instance.ts), its object's own events (object-events.ts), what its controller says (control.ts), the platform
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
import { runInScope } from "../context/scope.ts";
import type { Assignment, OrderOutcome } from "../protocol/control.ts";
import { encodeError } from "../protocol/error-codec.ts";
import { RequestCancelledError } from "../protocol/errors.ts";
import { errorResponse, isDeliberate } from "../protocol/http-error.ts";
import { HttpMeta, type HttpOrigin, withRequestId, type HttpExtras } from "../protocol/http-request.ts";
import type { AdmissionMode, CallRequest, Delivery, Refusal, Reply, RequestMeta, Reservation, News } from "../protocol/messages.ts";
import { isScalar } from "../protocol/plain-data.ts";
import { withAnswerHeaders } from "../protocol/answer-headers.ts";
import { type Admission, Slot } from "./admission.ts";
import type { ReplicaControl } from "./control.ts";
import { httpHandlerOf, invoke, methodOf } from "./http-handler.ts";
import type { Entry, Gate } from "./gate.ts";
import { isResponse, thrownResponse, toResponse } from "./http-response.ts";
import { Deleted } from "./deleted.ts";
import type { KeyedControl } from "./keyed-control.ts";
import type { Instance, Started } from "./instance.ts";
import { replicaParts, type Uncontrolled } from "./replica-parts.ts";
import type { ReplicaPorts } from "./replica-ports.ts";
import type { ObjectEvents } from "./object-events.ts";
import { isGenerator, ItemSource } from "./run-ahead.ts";
import type { Failed, ReplicaMeter } from "./replica-meter.ts";
import { logCall, logFailure, logFetch } from "./request-log.ts";
import { seenRequest } from "./request-seen.ts";
import { whenEnded } from "./response-end.ts";
import { resultAnswer } from "./result.ts";
import type { Run, Runs } from "./run.ts";
import { type StateReports, withNews } from "./state-reports.ts";
import { inScope, waiting } from "./spans.ts";
import { TaskAttempts } from "./task-attempts.ts";

/** An instance that did not start, and why. */
interface Unstarted {
  readonly failed: unknown;
}

/** An HTTP request and its answer, as they are counted. */
interface Answered {
  readonly method: string;
  readonly status: number;
}

/** A request without a `delivery` comes from no router, as in a test, or from an older one: it takes its turn. */
const inTurn = (number: number): Delivery => ({ id: `unnamed.${number}`, mode: "queue" });

export class Replica {
  readonly #ports: ReplicaPorts;
  readonly #name: string;
  readonly #admission: Admission;
  readonly #clients: ClientWatch | undefined;
  readonly #instance: Instance;
  readonly #gate: Gate;
  readonly #control: ReplicaControl | undefined;
  /** The object of a key is told here what it is to run with, and that it is deleted. */
  readonly keyed: KeyedControl | undefined;
  readonly #meter: ReplicaMeter;
  readonly #runs: Runs;
  readonly #attempts: TaskAttempts;
  readonly #states: StateReports;
  /** What happens to its object besides requests. */
  readonly events: ObjectEvents;
  /** What is done with it where no controller does it. */
  readonly uncontrolled: Uncontrolled;
  /** Of a request that came here first. */
  readonly #origin: HttpOrigin;
  readonly #unsaidExtras: HttpExtras;
  /** How a request asks for a slot that does not say. */
  readonly #unsaid: AdmissionMode;
  #unnamed = 0;

  constructor(ports: ReplicaPorts) {
    const { scope } = ports;
    this.#ports = ports;
    this.#name = scope.context.deployment;
    this.#origin = { chain: [`${scope.context.appName}/${this.#name}`], routePrefix: ports.place?.prefix ?? "/" };
    this.#unsaidExtras = ports.place?.isShared === true ? { traffic: 0 } : {};
    const parts = replicaParts(ports);
    this.#admission = parts.admission;
    this.#instance = parts.instance;
    this.#gate = parts.gate;
    this.#control = parts.control;
    this.keyed = parts.keyed;
    this.#meter = parts.meter;
    this.#runs = parts.runs;
    this.#states = parts.states;
    this.events = parts.events;
    this.uncontrolled = parts.uncontrolled;
    this.#clients = scope.isUnshared === true ? undefined : new ClientWatch();
    this.#attempts = new TaskAttempts(ports.now);
    this.#unsaid = ports.keyed === undefined ? "claim" : "queue";
  }

  /** Runs a call from a handle, or refuses it. */
  call(request: CallRequest): Promise<Reply> {
    const delivery = request.delivery ?? inTurn(this.#unnamed++);
    return request.meta.task === undefined ? this.#enter(request, delivery) : this.#attempt(request, delivery);
  }

  #attempt(request: CallRequest, delivery: Delivery): Promise<Reply> {
    return this.#attempts.run(delivery.id, `${this.#name}.${request.method ?? "call"}`, {
      begin: () => this.#enter(request, delivery),
      refuse: () => ({ kind: "refused", load: this.#admission.load }),
    });
  }

  /** What becomes of an attempt of a task that runs here; `undefined` if it does not, and then it will not. */
  rejoin(delivery: string): Promise<Reply> | undefined {
    return this.#attempts.rejoin(delivery);
  }

  #enter(request: CallRequest, delivery: Delivery): Promise<Reply> {
    const entry = this.#gate.enter(request.meta, delivery);
    return entry instanceof Slot ? this.#call(request, delivery, entry) : this.#callLater(request, delivery, entry);
  }

  async #callLater(request: CallRequest, delivery: Delivery, entry: Entry): Promise<Reply> {
    try {
      const slot = await waiting(this.#ports.scope, request, () => entry);
      return slot instanceof Slot ? await this.#call(request, delivery, slot) : slot;
    } catch (error) {
      if (error instanceof Deleted) return this.#deleted();
      this.#meter.gaveUp(request.meta.routePrefix, error);
      return { kind: "error", error: encodeError(error) };
    }
  }

  /**
   * Answers an HTTP request whose path has lost the application's prefix, or refuses it.
   *
   * @param meta What came with the request; if nothing did, it is what both ends know, and the request a claim.
   */
  fetch(
    request: Request,
    meta: RequestMeta = new HttpMeta(request, this.#origin, this.#unsaidExtras),
    delivery: Delivery = { id: `unnamed.${this.#unnamed++}`, mode: this.#unsaid },
  ): Promise<Response | Refusal> {
    const entry = this.#gate.enter(meta, delivery);
    return entry instanceof Slot ? this.#fetch(request, meta, delivery, entry) : this.#fetchLater(request, meta, delivery, entry);
  }

  async #fetchLater(request: Request, meta: RequestMeta, delivery: Delivery, entry: Entry): Promise<Response | Refusal> {
    try {
      const slot = await waiting(this.#ports.scope, { meta, method: "fetch" }, () => entry);
      return slot instanceof Slot ? await this.#fetch(request, meta, delivery, slot) : slot;
    } catch (error) {
      if (error instanceof Deleted) return this.#deleted();
      const response = errorResponse(error);
      this.#meter.gaveUp(meta.routePrefix, error, { method: request.method, status: response.status });
      return withRequestId(response, meta.requestId);
    }
  }

  /** Keeps a slot for the request with this id, which comes next. */
  async reserve(meta: RequestMeta, delivery: Delivery): Promise<Reservation> {
    try {
      return await waiting(this.#ports.scope, { meta }, () => this.#gate.reserve(meta, delivery));
    } catch (error) {
      return error instanceof Deleted ? this.#deleted() : { kind: "error", error: encodeError(error) };
    }
  }

  /** Stops a request: a waiting one leaves the queue, a running one sees its signal abort. */
  cancel(id: string, reason: unknown): void {
    if (!this.#admission.withdraw(id, reason)) this.#runs.abort(id, reason);
  }

  /** What the replica has on its hands. */
  get load(): Refusal["load"] {
    return this.#admission.load;
  }

  /** What an HTTP answer brings to a caller that knows the replica set of `epoch`. */
  newsWith(response: Response, epoch: number): News {
    return withNews({}, this.#gate.newerSet(epoch), this.#states.of(response));
  }

  /** Does what the replica's controller orders. */
  async assign(assignment: Assignment, isStart: boolean): Promise<OrderOutcome> {
    if (this.#control === undefined) throw new Error("This replica has no controller.");
    return this.#control.assign(assignment, isStart);
  }

  #deleted(): Refusal {
    return { kind: "refused", load: this.#admission.load, isDeleted: true };
  }

  async #call(request: CallRequest, { id, epoch, wantsState }: Delivery, slot: Slot): Promise<Reply> {
    const run = this.#runs.begin(request.meta, id, slot);
    let reply: Reply | undefined;
    let failed: Failed | undefined;
    let isMissing = false;
    let isUnsendable = false;
    try {
      const started = this.#instance.started ?? (await this.#start(run));
      if ("failed" in started) return this.#unstarted(started);
      isMissing = true;
      const method = methodOf(started.target, this.#name, request.method);
      isMissing = false;
      const args = this.#receive(request);
      const result = await inScope(run, request.method, () => invoke(method, started.target, args));
      isUnsendable = true;
      reply = isGenerator(result)
        ? { kind: "stream", items: this.#itemsOf(result, request, run) }
        : resultAnswer(result, () => `The result of ${this.#subject(request)}`, run);
    } catch (error) {
      failed = { error };
    } finally {
      if (reply?.kind !== "stream") this.#runs.finish(run, failed);
    }
    // Asked first: on the hot path not even the text is made for nothing.
    if (run.replica.logging.accessLog) {
      logCall(request.method, failed === undefined ? "OK" : run.isAborted ? "CANCELLED" : "ERROR", run.startedAtMs, run);
    }
    if (failed !== undefined) logFailure(failed.error, run);
    reply ??= {
      kind: "error",
      error: encodeError(failed!.error),
      ...(isMissing ? { isMissing } : {}),
      ...(isUnsendable ? { isUnsendable } : {}),
    };
    return withNews(reply, this.#gate.newerSet(epoch), wantsState === true ? this.#states.now(run) : undefined);
  }

  #itemsOf(generator: AsyncGenerator | Generator, request: CallRequest, run: Run): ItemSource {
    const cancelled = () => run.abort(new RequestCancelledError("The stream was cancelled by its caller."));
    const ended = (failed?: Failed) => {
      if (this.#runs.finish(run, failed) && failed !== undefined) logFailure(failed.error, run);
    };
    const subject = `An item of ${this.#subject(request)}`;
    const items = runInScope(run, () => new ItemSource(generator, subject, { ended, cancelled }));
    // In its scope, which its `finally` runs in. What that throws has nobody to go to.
    run.onAbort(() => void runInScope(run, () => items.cancel()).catch(() => {}));
    return items;
  }

  async #fetch(request: Request, meta: RequestMeta, { id, wantsState }: Delivery, slot: Slot): Promise<Response | Refusal> {
    const run = this.#runs.begin(meta, id, slot, { request, clients: this.#clients });
    const { method } = request;
    let response: Response | undefined;
    let failed: Failed | undefined;
    let isHeld = false;
    try {
      const started = this.#instance.started ?? (await this.#start(run));
      if ("failed" in started) return this.#unstarted(started);
      const handler = (started.handler ??= httpHandlerOf(started.target, this.#name, this.#ports.router, this.#ports));
      let result: unknown;
      try {
        result = await inScope(run, "fetch", () => handler(seenRequest(request, meta)));
      } catch (thrown) {
        result = thrownResponse(thrown);
      }
      // What has no code of its own needs no scope.
      const isOwn = isResponse(result);
      const isPassive = isOwn || isScalar(result);
      const made = isPassive ? toResponse(result, run, request) : runInScope(run, () => toResponse(result, run, request));
      const answer = await made;
      response = withAnswerHeaders(answer, request, meta, !isOwn);
      // A stream is a promise of a response; anything else but the handler's own is in memory.
      if (made !== answer || made === result) {
        const { status } = response;
        response = whenEnded(response, (failure) => this.#answered(run, request, { method, status }, failure), run);
        isHeld = run.isAnswered = true;
      }
    } catch (error) {
      failed = { error };
      response = undefined;
    } finally {
      if (!isHeld) this.#runs.finish(run, failed);
    }
    if (failed !== undefined && !isDeliberate(failed.error)) logFailure(failed.error, run);
    response ??= withRequestId(errorResponse(failed!.error), meta.requestId);
    const { status } = response;
    if (!isHeld) this.#counted(run, request, { method, status });
    if (run.replica.logging.accessLog) logFetch({ method, status }, request, run.startedAtMs, run);
    if (wantsState === true) this.#states.keep(response, run);
    return response;
  }

  #answered(run: Run, request: Request, answer: Answered, failed: Failed | undefined): void {
    if (this.#runs.finish(run, failed)) this.#counted(run, request, answer);
  }

  #counted(run: Run, request: Request, { method, status }: Answered): void {
    this.#meter.answered(run, method, status);
    const { traffic } = run.meta;
    if (traffic === undefined || traffic === 0) return;
    // Whoever has stopped waiting has said so, or the ingress has counted it in this replica's place.
    const isAbandoned = run.isAborted || request.signal.aborted;
    if (!isAbandoned) this.#control?.figures?.count(traffic, run.endedAtMs - run.startedAtMs, status >= 500);
  }

  // Nothing of the user's is held by a request that finds no instance.
  async #start(run: Run): Promise<Started | Unstarted> {
    try {
      return await Promise.race([this.#instance.start(), this.#deletion(run)]);
    } catch (error) {
      const isOver = error instanceof Deleted;
      this.#runs.finish(run, isOver ? undefined : { error });
      if (!isOver) logFailure(error, run);
      return { failed: error };
    }
  }

  // What waits for the object of a key to start is for the object that comes after it, should this one be deleted.
  #deletion(run: Run): Promise<never> {
    return new Promise((_, reject) => run.onAbort(() => this.#gate.isDeleted && reject(new Deleted())));
  }

  #unstarted({ failed }: Unstarted): Refusal {
    if (failed instanceof Deleted) return this.#deleted();
    return { kind: "refused", load: this.#admission.load, failedStart: encodeError(failed) };
  }

  #receive({ args, handleArgs }: CallRequest): readonly unknown[] {
    if (handleArgs === undefined) return args;
    return args.map((arg, index) => (handleArgs.includes(index) ? this.#ports.receiveHandle(arg) : arg));
  }

  #subject({ method }: CallRequest): string {
    return JSON.stringify(`${this.#name}.${method ?? "call"}`);
  }
}
