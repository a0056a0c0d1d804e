/**
 * Spreads inputs over processes, and ends the ones that hang or crash.
 *
 * Owns: the processes, and what counts as a hang: more than a second of processor time for one input, twice.
 * Does not own: what is checked (`range.ts`).
 */
import { type ChildProcess, fork } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cpuMs } from "./cpu.ts";
import { Choices } from "./choices.ts";
import { type Failure, shown } from "./failure.ts";
import type { Kind } from "./kind.ts";
import { kindOf, type Range } from "./range.ts";
import type { ShardMessage } from "./shard.ts";

const HANG_MS = 1000;
/** Waiting for something that never comes takes no processor time. */
const STALL_MS = 10_000;
const POLL_MS = 50;
const RANGE = 2000;
/** So many hangs of one kind are told; with more, the run would be about nothing else, and the kind is left out. */
const MAX_HANGS = 10;
const MEMORY_MB = 1024;

/** Inputs of a seed, from the first on. */
export interface Inputs {
  readonly seed: number;
  readonly first: number;
  readonly count: number;
}

/** How inputs are checked. */
export interface Checking {
  /** The module that exports `KINDS`: each process imports it. */
  readonly kinds: URL;
  readonly processes: number;
  readonly failed: (failure: Failure) => void;
  /** These kinds and no others; all if it is empty. */
  readonly only?: readonly string[];
  /** What counts as a hang, in processor time; a second by default. */
  readonly hangMs?: number;
}

/** Checks inputs, in several processes at once. @returns How many: with `only`, the numbers of other kinds are passed over. */
export async function checkInputs(
  { seed, first, count }: Inputs,
  { kinds, processes, failed, only = [], hangMs = HANG_MS }: Checking,
): Promise<number> {
  const { KINDS } = (await import(kinds.href)) as { readonly KINDS: readonly Kind[] };
  let next = first;
  const end = first + count;
  const worker = async () => {
    await using shard = new Shard({ kinds, all: KINDS, failed, only, hangMs });
    while (next < end) {
      const range = { seed, from: next, to: Math.min(end, next + RANGE) };
      next = range.to;
      await shard.check(range);
    }
  };
  await Promise.all(Array.from({ length: processes }, worker));
  const isChecked = (index: number) => only.length === 0 || only.includes(kindOf(KINDS, index).name);
  return Array.from({ length: count }, (_, at) => first + at).filter(isChecked).length;
}

/** How a process got on with its range. */
type End = { readonly kind: "done" } | { readonly kind: "hangs" | "crashed"; readonly index: number; readonly detail: string };

class Shard implements AsyncDisposable {
  readonly #kinds: URL;
  readonly #all: readonly Kind[];
  readonly #hangMs: number;
  readonly #failed: (failure: Failure) => void;
  readonly #folder = mkdtempSync(join(tmpdir(), "edge-serve-fuzz-"));
  readonly #hangs = new Map<string, number>();
  /** Kinds that are left out, or were given up. */
  readonly #given: string[] = [];
  #child: ChildProcess | undefined;
  #stderr = "";

  constructor({ kinds, all, failed, only, hangMs }: Required<Omit<Checking, "processes">> & { readonly all: readonly Kind[] }) {
    this.#hangMs = hangMs;
    if (only.length > 0) this.#given.push(...all.map(({ name }) => name).filter((name) => !only.includes(name)));
    this.#kinds = kinds;
    this.#all = all;
    this.#failed = failed;
  }

  /** Checks a range to its end, with as many processes as that takes. */
  async check(range: Range): Promise<void> {
    for (let from = range.from; from < range.to;) {
      const end = await this.#run({ ...range, from, without: this.#given });
      if (end.kind === "done") return;
      from = end.index + 1;
      // Alone and anew, because a busy machine or the inputs before may be to blame.
      const again = end.kind === "hangs" ? await this.#run({ ...range, from: end.index, to: end.index + 1 }) : end;
      if (again.kind === "done") continue;
      const failure = this.#failureOf(again, range.seed);
      this.#failed(failure);
      const hangs = (this.#hangs.get(failure.kind) ?? 0) + 1;
      this.#hangs.set(failure.kind, hangs);
      if (hangs === MAX_HANGS) {
        console.error(`Left out from here on, after ${MAX_HANGS} inputs that hung or crashed: ${failure.kind}.`);
        this.#given.push(failure.kind);
      }
    }
  }

  #failureOf({ kind, index, detail }: Exclude<End, { kind: "done" }>, seed: number): Failure {
    const { name, make } = kindOf(this.#all, index);
    const what =
      kind === "hangs" ? `takes more than ${this.#hangMs} ms of processor time, or ${STALL_MS} ms without an end` : `ends the process`;
    return { kind: name, index, sort: `${name}: ${what}`, detail, input: shown(make(Choices.seeded(seed, name, index))) };
  }

  #run(range: Range): Promise<End> {
    const child = (this.#child ??= this.#start());
    const { promise, resolve } = Promise.withResolvers<End>();
    let seen = { mark: 0, sinceMs: performance.now(), cpuMs: 0 };
    const indexNow = () => Math.max(range.from, this.#mark() - 1);
    const end = (how: End) => {
      clearInterval(timer);
      child.off("message", onMessage).off("exit", onExit);
      resolve(how);
    };
    const onMessage = (message: ShardMessage) => {
      if ("failure" in message) this.#failed(message.failure);
      else end({ kind: "done" });
    };
    const onExit = () => {
      this.#child = undefined;
      end({ kind: "crashed", index: indexNow(), detail: this.#stderr.slice(-2000) });
    };
    const timer = setInterval(() => {
      const mark = this.#mark();
      // Of one that is gone nothing is known, and its exit is heard of.
      const usedMs = cpuMs(child.pid!) ?? seen.cpuMs;
      if (mark !== seen.mark) seen = { mark, sinceMs: performance.now(), cpuMs: usedMs };
      else if (mark > 0 && (usedMs - seen.cpuMs > this.#hangMs || performance.now() - seen.sinceMs > STALL_MS)) {
        const detail = `${usedMs - seen.cpuMs} ms of processor time in ${Math.round(performance.now() - seen.sinceMs)} ms`;
        child.off("exit", onExit).kill("SIGKILL");
        this.#child = undefined;
        end({ kind: "hangs", index: mark - 1, detail });
      }
    }, POLL_MS);
    child.on("message", onMessage).on("exit", onExit).send(range);
    return promise;
  }

  #start(): ChildProcess {
    writeFileSync(this.#progress, new Uint8Array(4));
    this.#stderr = "";
    const child = fork(fileURLToPath(new URL("shard.ts", import.meta.url)), [this.#progress, this.#kinds.href], {
      execArgv: [`--max-old-space-size=${MEMORY_MB}`],
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    child.stderr!.on("data", (chunk: Buffer) => (this.#stderr = (this.#stderr + chunk.toString()).slice(-10_000)));
    return child;
  }

  get #progress(): string {
    return join(this.#folder, "progress");
  }

  #mark(): number {
    return readFileSync(this.#progress).readUInt32LE(0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child?.kill("SIGKILL");
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
