/**
 * The part of the fuzzing that needs workerd: bytes on sockets, values that really cross, documents that are put.
 *
 * Owns: the process, its log, and what must hold after each batch: nothing uncaught, nothing changed, every slot free.
 * Does not own: the inputs (`requests.ts`, `wire.ts`, `apps/crossing.ts`, `documents.ts`).
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundle } from "../../bench/workerd-bundle.ts";
import { WorkerdProcess } from "../../bench/workerd-process.ts";
import { Choices } from "./choices.ts";
import { type Failure, failureOf } from "./failure.ts";
import { brief, holds } from "./kind.ts";
import { makeRequest, TOKEN } from "./requests.ts";
import type { Inputs } from "./shards.ts";
import { Documents } from "./workerd-documents.ts";
import { exchange, makeWire, type WireInput } from "./wire.ts";

const CLASSES = [
  "first__Front",
  "first__Leaf",
  "second__Leaf",
  "crossing__Crossing",
  "crossing__Echo",
  "EdgeServeController",
  "EdgeServeConfig",
];
/** As many as each replica runs at once. */
const SLOTS = 8;
const CONNECTIONS = 8;
const HANG_MS = 1000;
/** A shared machine may be busy; what hangs does so again. */
const PATIENCE_MS = 5000;
const BATCH = 200;
/** Finding the input of a batch takes longer than the batch. */
const MAX_LOCATED = 5;
/** With more, the run would be about nothing else. */
const MAX_UNANSWERED = 20;

/** What the application throws by itself, and what is said to a caller from outside that asks for a method which is not there. */
const EXPECTED = /thrown by the application|MethodNotFoundError/;

/** What workerd itself says of a client that left before its end, or broke the protocol; a Worker without edge-serve gets the same. */
const LEFT = /Network connection lost|disconnected|WebSocket protocol error|Can't read from request stream after response has been sent/;

/** Runs a share of the inputs in workerd. */
export async function checkInWorkerd({ seed, first, count }: Inputs, failed: (failure: Failure) => void): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "edge-serve-fuzz-"));
  try {
    await using system = await FuzzedSystem.start(folder, seed, failed);
    // Documents are dear: each is put, and the control plane follows.
    const documents = Math.min(Math.floor(count / 20), 1000);
    const crossings = Math.floor((count - documents) / 2);
    await system.crossings(first, crossings);
    await system.sockets(first + crossings, count - documents - crossings);
    await system.documents(first + count - documents, documents);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

class FuzzedSystem implements AsyncDisposable {
  readonly #config: string;
  readonly #seed: number;
  readonly #failed: (failure: Failure) => void;
  readonly #lines: string[] = [];
  #process: WorkerdProcess | undefined;
  #located = 0;
  #unanswered = 0;

  private constructor(config: string, seed: number, failed: (failure: Failure) => void) {
    this.#config = config;
    this.#seed = seed;
    this.#failed = failed;
  }

  static async start(folder: string, seed: number, failed: (failure: Failure) => void): Promise<FuzzedSystem> {
    const main = new URL("apps/system.ts", import.meta.url);
    const { config } = bundle({ name: "fuzz", main, classes: CLASSES, folder, variables: { EDGE_SERVE_TOKEN: TOKEN } });
    const system = new FuzzedSystem(config, seed, failed);
    await system.#restart();
    return system;
  }

  get #port(): number {
    return Number(new URL(this.#url).port);
  }

  get #url(): string {
    return this.#process!.url;
  }

  // After a hang, or for the first time.
  async #restart(): Promise<void> {
    await this[Symbol.asyncDispose]();
    const process = await WorkerdProcess.start(this.#config, { logged: (line) => this.#lines.push(line) });
    this.#process = process;
    void process.ended.then((code) => {
      if (this.#process === process) this.#report("workerd", 0, new Error(`workerd ended with ${code}`), this.#lines.slice(-20));
    });
  }

  /** Values and thrown values that cross between replicas. */
  async crossings(first: number, count: number): Promise<void> {
    for (let from = first; from < first + count; from += BATCH) {
      const to = Math.min(first + count, from + BATCH);
      const middle = Math.floor((from + to) / 2);
      await this.#batch("crossing", from, async () => {
        await this.#crossing("value", from, middle);
        await this.#crossing("thrown", middle, to);
      });
    }
  }

  async #crossing(kind: "value" | "thrown", from: number, to: number): Promise<void> {
    for (let start = from; start < to; start += 10) {
      const range = [start, Math.min(to, start + 10)] as const;
      if (await this.#crossed(kind, ...range)) continue;
      // One of them hangs, or breaks the answer: which?
      await this.#restart();
      for (let index = range[0]; index < range[1]; index++) {
        if (await this.#crossed(kind, index, index + 1)) continue;
        this.#report(`crossing ${kind}`, index, new Error("no answer in time, or none that can be read"), `number ${index}`);
        await this.#restart();
        if (++this.#unanswered === MAX_UNANSWERED)
          throw new Error(`${MAX_UNANSWERED} inputs were not answered: the rest in workerd is left out.`);
      }
    }
  }

  async #crossed(kind: string, from: number, to: number): Promise<boolean> {
    try {
      const path = `/crossing/${kind}?seed=${this.#seed}&from=${from}&to=${to}`;
      const response = await fetch(this.#url + path, { signal: AbortSignal.timeout(PATIENCE_MS) });
      const found = (await response.json()) as { index: number; way: string; claim: string; tookMs: number }[];
      for (const { index, way, claim } of found) {
        const [what, seen = ""] = claim.replace(/^Broken: /, "").split(" | ");
        this.#failed({
          kind: `crossing ${kind}`,
          index,
          sort: `crossing ${kind}: ${what}`,
          detail: `${way}: ${seen}`,
          input: `seed ${this.#seed}, number ${index}`,
        });
      }
      return true;
    } catch {
      return false;
    }
  }

  /** Bytes on sockets. */
  async sockets(first: number, count: number): Promise<void> {
    for (let from = first; from < first + count; from += BATCH) {
      const to = Math.min(first + count, from + BATCH);
      let next = from;
      const connection = async () => {
        while (next < to) await this.#socket(next++);
      };
      const isWell = await this.#batch("socket", from, () => Promise.all(Array.from({ length: CONNECTIONS }, connection)));
      if (!isWell && this.#located++ < MAX_LOCATED) await this.#locate(from, to);
      else if (!isWell) await this.#restart();
    }
  }

  // Anew and one by one: which of the inputs was it? Some do harm only beside others.
  async #locate(from: number, to: number): Promise<void> {
    await this.#restart();
    for (let index = from; index < to; index++) {
      const isWell = await this.#batch("socket alone", index, () => this.#socket(index));
      if (!isWell) return this.#restart();
    }
  }

  async #socket(index: number): Promise<void> {
    const input = this.#wire(index);
    try {
      let answer = await exchange(this.#port, input, HANG_MS);
      if (answer.kind === "silent") answer = await exchange(this.#port, input, PATIENCE_MS);
      if (input.isSound) holds(answer.kind === "answered", "a sound request is answered within a second", () => answer.kind);
      // Who leaves early is told nothing that counts.
      if (answer.kind !== "answered" || input.end !== "answered") return;
      this.#check(input, answer.status, answer.head, answer.body);
    } catch (error) {
      this.#report("socket", index, error, input);
    }
  }

  #wire(index: number): WireInput {
    const choices = Choices.seeded(this.#seed, "socket", index);
    return makeWire(choices, withoutChanges(makeRequest(choices)));
  }

  #check({ request, isSound, pieces }: WireInput, status: number, head: string, body: string): void {
    const id = /^x-request-id: (.*)$/im.exec(head)?.[1];
    const isThrown = pieces[0]!.includes("/throw");
    const isPlatform = id === undefined && status !== 500;
    holds(status < 500 || isThrown || isPlatform, "the framework answers no 5xx of its own", () => `${status} ${brief(body)}`);
    if (isSound) holds(id !== undefined, "every response has a request id", () => head);
    if (request.isOperator || !isSound) return;
    const path = new URL(`http://host.test${request.target}`).pathname;
    const isOpen = !path.startsWith("/-/") || ["/-/healthz", "/-/routes"].includes(path);
    holds(isOpen || status >= 400, "an operator's path is closed without the token", () => `${path} ${status}`);
  }

  /** Documents that are put, one after the other. */
  async documents(first: number, count: number): Promise<void> {
    const documents = new Documents(this.#url);
    for (let from = first; from < first + count; from += 20) {
      const to = Math.min(first + count, from + 20);
      await this.#batch("put", from, async () => {
        for (let index = from; index < to; index++) {
          const choices = Choices.seeded(this.#seed, "put", index);
          const input = documents.make(choices);
          await documents.check(input).catch((error: unknown) => this.#report("put", index, error, input));
        }
        await documents.reset();
      });
    }
  }

  // What must hold after some inputs: a failure is of one of them.
  async #batch(kind: string, from: number, act: () => Promise<unknown>): Promise<boolean> {
    const [before, logged] = [await this.#inForce(), this.#lines.length];
    await act();
    try {
      for (const path of ["/", "/second/"]) await this.#allSlots(path);
      holds(kind === "put" || (await this.#inForce()) === before, "nothing changes without the token");
      if (kind !== "crossing") this.#checkLog(logged);
      const isUncaught = (line: string) => /uncaught exception|fatal|Segmentation/i.test(line) && !LEFT.test(line);
      const uncaught = this.#lines.slice(logged).find(isUncaught);
      holds(uncaught === undefined, "nothing is uncaught", () => uncaught);
      return true;
    } catch (error) {
      const log = this.#lines.slice(logged).filter((line) => !line.startsWith("stack: "));
      this.#report(kind, from, error, {
        inputsFrom: from,
        wire: kind === "socket alone" ? this.#wire(from) : undefined,
        log: log.slice(-6),
      });
      return false;
    }
  }

  #checkLog(from: number): void {
    const isStrange = (line: string) => line.startsWith('{"level":"ERROR"') && !EXPECTED.test(line);
    const strange = this.#lines.slice(from).find(isStrange);
    holds(strange === undefined, "only what the application throws is an ERROR", () => strange);
  }

  async #allSlots(prefix: string): Promise<void> {
    const ask = async () => {
      const response = await fetch(`${this.#url}${prefix}__together?count=${SLOTS}`, { signal: AbortSignal.timeout(PATIENCE_MS) });
      await response.text();
      return response.status;
    };
    const settled = await Promise.allSettled(Array.from({ length: SLOTS }, ask));
    const statuses = settled.map((one) => (one.status === "fulfilled" ? one.value : brief(one.reason)));
    holds(
      statuses.every((status) => status === 200),
      "every slot is free when nothing runs",
      () => `${prefix}: ${statuses.join(", ")}`,
    );
  }

  async #inForce(): Promise<string> {
    const response = await fetch(`${this.#url}/-/api/config`, { headers: { authorization: `Bearer ${TOKEN}` } });
    return response.text();
  }

  #report(kind: string, index: number, thrown: unknown, input: unknown): void {
    this.#failed(failureOf(`workerd ${kind}`, index, thrown, input));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const process = this.#process;
    this.#process = undefined;
    process?.[Symbol.dispose]();
    await process?.ended;
  }
}

// So that nothing may change, whatever is sent: changes are for `documents`.
function withoutChanges(request: ReturnType<typeof makeRequest>): ReturnType<typeof makeRequest> {
  const isChange = request.target.toLowerCase().includes("api") && !["GET", "HEAD"].includes(request.method);
  if (!isChange || !request.isOperator) return request;
  const headers = request.headers.map(([name, value]) =>
    name === "authorization" ? ([name, `${value}x`] as const) : ([name, value] as const),
  );
  return { ...request, headers, isOperator: false };
}
