/**
 * A process and all that it starts: what they use, and their end.
 *
 * Owns: finding the processes, from Linux's `/proc`; ending every one of them, whatever happens to this process.
 * Does not own: what runs in them.
 *
 * Invariants:
 *   P1. A process that was seen in the tree stays in it, also when its parent has ended.
 *   P2. When a tree is disposed of, or this process exits, none of its processes is left.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";

/** Linux counts a process's time in hundredths of a second. */
const TICK_US = 10_000;

/** How long a process may take to end its children itself. */
const GRACE_MS = 5000;

/** What a tree holds in memory. */
export interface Memory {
  /** The processes' resident memory, where a page that several of them share counts once (proportional set size). */
  readonly pssBytes: number;
  /** The sum of the processes' resident memory. */
  readonly rssBytes: number;
  readonly processes: number;
}

/** What is started. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** It ends itself, and what it started, when its input ends; otherwise it is asked with a signal. */
  readonly endsWithInput?: boolean;
  /** Where it complains. */
  readonly log: string;
}

const running = new Set<ProcessTree>();

process.on("exit", () => {
  for (const tree of running) tree.kill();
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(1));

export class ProcessTree implements Disposable {
  readonly root: ChildProcess;
  /** When each process began, so that a number that the system gave to another one is not taken for it. */
  readonly #seen = new Map<number, string>();
  readonly #endsWithInput: boolean;

  constructor({ file, args, cwd, env, log, endsWithInput = false }: Command) {
    this.#endsWithInput = endsWithInput;
    const out = openSync(log, "a");
    // A session of its own: a terminal's interrupt reaches it only through here.
    this.root = spawn(file, args, { cwd, env: { ...process.env, ...env }, stdio: ["pipe", "pipe", out], detached: true });
    closeSync(out);
    // A process that ended reads nothing more; that it ended is seen where its answer is awaited.
    this.root.stdin?.on("error", () => undefined);
    this.root.on("error", () => undefined);
    running.add(this);
  }

  /** The time on processors that its living processes have used so far, in microseconds. */
  get cpuUs(): number {
    return this.#processes().reduce((sum, { ticks }) => sum + ticks * TICK_US, 0);
  }

  /** What it holds now. */
  memory(): Memory {
    const all = this.#processes().map(({ pid }) => memoryOf(pid));
    return {
      pssBytes: all.reduce((sum, { pssBytes }) => sum + pssBytes, 0),
      rssBytes: all.reduce((sum, { rssBytes }) => sum + rssBytes, 0),
      processes: all.length,
    };
  }

  /** Ends it: first as it wants to end, and what is left then at once. */
  async stop(): Promise<void> {
    // Whoever joins later is found among what is there now.
    this.#processes();
    this.root.stdin?.end();
    if (!this.#endsWithInput) this.root.kill("SIGTERM");
    const ended = once(this.root, "exit");
    if (this.root.exitCode === null && this.root.signalCode === null)
      await Promise.race([ended, setTimeout(GRACE_MS, undefined, { ref: false })]);
    this.kill();
  }

  /** Ends all of it at once. */
  kill(): void {
    running.delete(this);
    // What is started while others are killed is seen in the next round.
    for (let round = 0; round < 10; round++) {
      const processes = this.#processes();
      if (processes.length === 0) return;
      for (const { pid } of processes) killed(pid);
    }
  }

  [Symbol.dispose](): void {
    this.kill();
  }

  #processes(): Entry[] {
    const all = entries();
    const root = this.root.pid;
    const members = all.filter(({ pid, startedAt }) => this.#seen.get(pid) === startedAt);
    const first = all.find(({ pid }) => pid === root);
    if (first !== undefined && !members.includes(first)) members.push(first);
    // Grows while it is walked: the children of children.
    for (const parent of members) {
      const children = all.filter(({ pid, ppid, session }) => ppid === parent.pid || (session === root && pid !== process.pid));
      members.push(...children.filter((child) => !members.includes(child)));
    }
    for (const { pid, startedAt } of members) this.#seen.set(pid, startedAt);
    return members.filter(({ state }) => state !== "Z");
  }
}

interface Entry {
  readonly pid: number;
  readonly state: string;
  readonly ppid: number;
  readonly session: number;
  readonly ticks: number;
  readonly startedAt: string;
}

function entries(): Entry[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const stat = textOf(`/proc/${pid}/stat`);
      return stat === undefined ? [] : [entryOf(Number(pid), stat)];
    });
}

/** Reads a line of `/proc/<pid>/stat`. */
export function entryOf(pid: number, stat: string): Entry {
  // The name, in parentheses, may hold spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state = "", ppid, , session] = fields;
  return {
    pid,
    state,
    ppid: Number(ppid),
    session: Number(session),
    ticks: Number(fields[11]) + Number(fields[12]),
    startedAt: fields[19] ?? "",
  };
}

function memoryOf(pid: number): Pick<Memory, "pssBytes" | "rssBytes"> {
  const text = textOf(`/proc/${pid}/smaps_rollup`) ?? "";
  const bytesOf = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? 0) * 1024;
  return { pssBytes: bytesOf("Pss"), rssBytes: bytesOf("Rss") };
}

/** `undefined` for a process that has ended meanwhile. */
function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

function killed(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended meanwhile.
  }
}
