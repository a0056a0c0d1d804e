/**
 * What user code does wrong.
 */
import * as serve from "edge-serve";
import type { Act, Answered, Step, Thrown } from "./steps.ts";
import { note } from "./witness.ts";

/** The first act of every run. */
export function begin(id: string, kind: "run" | "item" = "run"): void {
  note(serve.getReplicaContext().state, kind, id);
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** How long a method goes on that does not hear that its caller has gone. */
const DEAF_MS = 3000;

/** Ends this object, and does not come back. */
export function abort(): Promise<never> {
  serve.getReplicaContext().state.abort("the machine is gone");
  return new Promise(() => {});
}

/** Ends this object once everything it has written is on disk. */
export async function abortAfterWrite(): Promise<never> {
  await serve.getReplicaContext().state.storage.sync();
  return abort();
}

/** Works as long as it is asked to, and goes wrong the way it is asked to. @returns What to answer. */
export async function work<T>({ ms, act }: Step, value: T): Promise<unknown> {
  if (act === "abort at once") return abort();
  if (act === "abort after write") return abortAfterWrite();
  if (act === "hang") return untilAborted();
  // A method has only its callers' deadlines, so one that heeds none keeps its place: nobody waits so long, and it does end.
  if (act === "hang deaf") await sleep(DEAF_MS);
  // Work that waits for nothing ends in the turn in which it began, with its row still on the way to the disk.
  if (ms > 0) await sleep(act === "abort working" ? ms / 2 : ms);
  if (act === "abort working") return abort();
  if (act?.startsWith("throw ") === true) throw thrown(act.slice("throw ".length) as Thrown);
  if (act?.startsWith("answer ") === true) return answered(act.slice("answer ".length) as Answered);
  return value;
}

function untilAborted(): Promise<never> {
  const { signal } = serve.getRequestContext();
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason as Error);
    else signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
  });
}

function thrown(kind: Thrown): unknown {
  const error = new Error("asked to throw");
  if (kind === "cycle") Object.assign(error, { cause: error, self: error });
  if (kind === "huge") Object.assign(error, { message: "asked to throw ".repeat(200_000) });
  if (kind === "text") return "asked to throw";
  if (kind === "nothing") return undefined;
  if (kind === "bare object") return { toString: null };
  if (kind === "getter")
    return new (class extends Error {
      override get message(): string {
        throw new Error("no message");
      }
    })();
  if (kind === "class") return Object.assign(error, { inner: new Inner() });
  return error;
}

class Inner {
  readonly what = "no plain object";
}

function answered(kind: Answered): unknown {
  if (kind === "function") return () => 1;
  if (kind === "symbol") return { deep: [Symbol("s")] };
  if (kind === "error response") return Response.error();
  if (kind === "nested handle") return { handle: serve.getAppHandle(serve.getReplicaContext().appName) };
  const response = new Response("used");
  void response.text();
  return response;
}

export function isOf(act: Act | undefined, ...acts: readonly Act[]): boolean {
  return act !== undefined && acts.includes(act);
}
