/** Work that is enqueued: methods that end in every way, and a front that enqueues, asks, and cancels. */
import * as serve from "edge-serve";

class Unready extends Error {
  override name = "Unready";
}

class Hopeless extends Error {
  override name = "Hopeless";
  readonly retryable = false;
}

export class Jobs {
  #held: (() => void)[] = [];

  call(...values: unknown[]) {
    return values;
  }
  run(n: number) {
    serve.logger.info("ran", { n, attempt: serve.getRequestContext().task?.attempt });
    return n;
  }
  context() {
    const { task, traceparent, requestId, deadline, key, multiplexedModelId } = serve.getRequestContext();
    return { task, traceparent, requestId, leftMs: deadline! - Date.now(), key, multiplexedModelId };
  }
  second() {
    if (serve.getRequestContext().task!.attempt === 1) throw new Unready("not yet");
    return "done";
  }
  traced() {
    const { task, traceparent, tracestate, requestId } = serve.getRequestContext();
    serve.logger.info("traced", { requestId });
    if (task!.attempt === 1) throw new Unready("not yet");
    return { attempt: task!.attempt, traceparent, tracestate, requestId };
  }
  /** So many calls below each other. */
  async descend(calls: number): Promise<string> {
    return calls === 0 ? "arrived" : serve.getDeploymentHandle<Jobs>("Jobs").descend.remote(calls - 1);
  }
  async descendAndEnqueue(calls: number): Promise<string> {
    const jobs = serve.getDeploymentHandle<Jobs>("Jobs");
    return calls === 0 ? (await jobs.descend.enqueue(8)).id : jobs.descendAndEnqueue.remote(calls - 1);
  }
  async crash() {
    if (serve.getRequestContext().task!.attempt > 1) return "survived";
    serve.getReplicaContext().state.abort("the machine is gone");
    return new Promise(() => {});
  }
  async briefly(n: number) {
    await new Promise((resolve) => setTimeout(resolve, 30));
    return n;
  }
  async nested() {
    const { task, deadline } = serve.getRequestContext();
    const inner = await serve.getDeploymentHandle<Jobs>("Jobs").inside.remote();
    return { task, deadline, inner };
  }
  inside() {
    const { task, deadline } = serve.getRequestContext();
    return { task, deadline };
  }
  async callsMissing() {
    return (serve.getDeploymentHandle("Jobs") as serve.DeploymentHandle<{ nope(): void }>).nope.remote();
  }
  fails(value: unknown) {
    throw Object.assign(new RangeError("never"), { value });
  }
  hopeless() {
    throw new Hopeless("no use");
  }
  unstorable() {
    return new Response("a body");
  }
  uncrossable() {
    return [() => {}];
  }
  *numbers() {
    yield 1;
  }
  enqueue(value: string) {
    return `my own ${value}`;
  }
  /** Runs until `release`, or until it is stopped. */
  async hold(name: string) {
    serve.logger.info("held", { name });
    const { signal } = serve.getRequestContext();
    await new Promise<void>((resolve) => {
      this.#held.push(resolve);
      signal.addEventListener("abort", () => {
        serve.logger.info("stopped", { name, reason: String(signal.reason) });
        resolve();
      });
    });
    return signal.aborted ? "stopped" : "released";
  }
  release() {
    for (const resolve of this.#held.splice(0)) resolve();
  }
  async sweep(what: string) {
    serve.logger.info("swept", { what, task: serve.getRequestContext().task?.id });
  }
}

export interface Asked {
  readonly method?: string;
  readonly args?: readonly unknown[];
  readonly options?: { readonly idempotencyKey?: string; readonly delayMs?: number };
}

type AnyMethod = serve.EnqueueableMethod<unknown[], unknown>;

class Front {
  readonly #jobs: serve.DeploymentHandle<Jobs>;
  readonly #plain: serve.DeploymentHandle<Jobs>;
  readonly #narrow: serve.DeploymentHandle<Jobs> | undefined;
  constructor(jobs: serve.DeploymentHandle<Jobs>, plain: serve.DeploymentHandle<Jobs>, narrow?: serve.DeploymentHandle<Jobs>) {
    this.#jobs = jobs;
    this.#plain = plain;
    this.#narrow = narrow;
  }
  async startNarrow(count: number) {
    const tasks = await Promise.all(Array.from({ length: count }, (_, n) => this.#narrow!.briefly.enqueue(n)));
    return tasks.map(({ id }) => id);
  }
  async startCrash() {
    return (await this.#narrow!.crash.enqueue()).id;
  }
  async startLong() {
    return (await this.#narrow!.hold.enqueue("too long")).id;
  }
  async start({ method, args = [], options = {} }: Asked) {
    const handle = this.#jobs.options(options) as unknown as AnyMethod & Record<string, AnyMethod>;
    const task = await (method === undefined ? handle.enqueue(...args) : handle[method]!.enqueue(...args));
    return task.id;
  }
  async startMany(count: number) {
    const tasks = await Promise.all(Array.from({ length: count }, (_, n) => this.#jobs.run.enqueue(n)));
    return tasks.map(({ id }) => id);
  }
  async startWithResponse() {
    return (await this.#jobs.run.enqueue(this.#jobs.run.remote(7))).id;
  }
  async startWithout() {
    return (await this.#plain.run.enqueue(1)).id;
  }
  status(id: string) {
    return serve.getTask(id).status();
  }
  result(id: string, timeoutMs?: number) {
    return serve.getTask(id).result(timeoutMs === undefined ? {} : { timeoutMs });
  }
  cancel(id: string) {
    return serve.getTask(id).cancel();
  }
  own(value: string) {
    return this.#jobs.enqueue.remote(value);
  }
  routedBy() {
    const { key, multiplexedModelId } = serve.getRequestContext();
    return { key, multiplexedModelId };
  }
  startBelow(calls: number) {
    return this.#jobs.descendAndEnqueue.remote(calls);
  }
  release() {
    return this.#jobs.release.broadcast();
  }
  async fetch() {
    return new Response((await this.#jobs.traced.enqueue()).id);
  }
}

const jobs = serve.deployment(Jobs, { maxOngoingRequests: 64, tasks: { backoffMs: 20, timeoutMs: 30_000 } }).bind();
const plain = serve.deployment(Jobs, { name: "Plain" }).bind();
const narrow = serve
  .deployment(Jobs, {
    name: "Narrow",
    maxOngoingRequests: 1,
    maxQueuedRequests: 0,
    placement: { jurisdiction: "eu" },
    tasks: { timeoutMs: 400, maxAttempts: 2, backoffMs: 10 },
  })
  .bind();
export const app = serve.deployment(Front).bind(jobs, plain, narrow);

/** One that fires each second. */
export const clock = serve
  .deployment(Front)
  .bind(
    serve.deployment(Jobs, { schedules: [{ cron: "* * * * * *", method: "sweep", args: ["floor"] }] }).bind(),
    serve.deployment(Jobs, { name: "Plain" }).bind(),
  );
