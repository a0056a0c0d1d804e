/**
 * Measures variants in rounds: each sends a slice of requests to every variant, in random order, and the processor time of
 * workerd is read around each slice. What is compared is the ratio within a round, so what slows the machine slows both.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Slice, SliceOutcome } from "./load.ts";

/** A figure, and the requests that it is got from. */
export interface Figure {
  readonly name: string;
  readonly path: string;
  /** Requests a slice. */
  readonly requests: number;
  /** Which variants it is measured on; all by default. */
  readonly variants?: readonly string[];
  /** What to take off, for the cost of one of `perRequest` things in a request. */
  readonly less?: { readonly path: string; readonly perRequest: number };
}

/** CPU time in microseconds, by variant, round by round. */
export type Times = Readonly<Record<string, readonly number[]>>;

/** What is measured. */
export interface Measured {
  readonly pid: number;
  readonly ports: Readonly<Record<string, number>>;
  readonly figures: readonly Figure[];
  readonly rounds: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** As many as let workerd work without sleeping between requests. */
const CONNECTIONS = 16;
/** Until code is compiled: about 1,500 requests a variant. */
const WARM_UP = 16;
/** Sent before each slice, to bring a variant's code back into the caches. */
const REMINDERS = 3;

/** Measures figures. @returns For each figure, in order, the times of all variants. */
export async function measure({ pid, ports, figures, rounds, headers }: Measured): Promise<Times[]> {
  using load = new LoadProcess();
  const names = Object.keys(ports);
  const times = figures.map(({ variants = names }) => Object.fromEntries(variants.map((name): [string, number[]] => [name, []])));
  const slice = async (name: string, path: string, requests: number) => {
    const about = { port: ports[name]!, path, connections: CONNECTIONS, ...(headers === undefined ? {} : { headers }) };
    await load.send({ ...about, requests: REMINDERS });
    const beforeUs = cpuUsOf(pid);
    await load.send({ ...about, requests });
    return (cpuUsOf(pid) - beforeUs) / requests;
  };
  for (let round = -WARM_UP; round < rounds; round++) {
    for (const [index, { path, requests, less, variants = names }] of figures.entries()) {
      for (const name of shuffled(variants)) {
        const us = await slice(name, path, requests);
        const each = less === undefined ? us : (us - (await slice(name, less.path, requests))) / less.perRequest;
        if (round >= 0) times[index]![name]!.push(each);
      }
    }
  }
  return times;
}

/** The times of several processes, as of one. */
export function pooled(runs: readonly Times[]): Times {
  return Object.fromEntries(Object.keys(runs[0]!).map((name) => [name, runs.flatMap((times) => times[name]!)]));
}

class LoadProcess implements Disposable {
  readonly #process: ChildProcess = fork(fileURLToPath(new URL("load.ts", import.meta.url)));

  async send(slice: Slice): Promise<void> {
    this.#process.send(slice);
    const [outcome] = (await once(this.#process, "message")) as [SliceOutcome];
    if (outcome !== null) throw new Error(`A request for ${slice.path} failed: ${outcome}`);
  }

  [Symbol.dispose](): void {
    this.#process.kill();
  }
}

/** The time that all threads of a process have had, in microseconds, to the nanosecond. Linux only. */
function cpuUsOf(pid: number): number {
  const tasks = `/proc/${pid}/task`;
  return readdirSync(tasks).reduce((sum, task) => sum + Number(readFileSync(`${tasks}/${task}/schedstat`, "utf8").split(" ")[0]) / 1000, 0);
}

function shuffled<T>(values: readonly T[]): T[] {
  return values
    .map((value) => ({ value, at: Math.random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ value }) => value);
}
