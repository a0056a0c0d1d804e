/**
 * Sends a request by a route, and says what its client saw.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { connectHandle as ConnectHandle } from "../../src/client/connection.ts";
import type { DeploymentHandle } from "../../src/index.ts";
import type { FrontAnswer, Passed, SeenError, Step, Way } from "./app/steps.ts";
import type { Seen } from "./history.ts";
import { closeCodeOf, closeFrame, frameOf, framesOf, type HttpAnswer, sendHttp, upgrade } from "./http.ts";
import { outcomeOfError, outcomeOfFailure, outcomeOfStatus } from "./outcome.ts";
import type { App } from "./project.ts";
import { type Route, wayOf } from "./shapes.ts";
import type { System } from "./system.ts";

const BUILT = new URL("../../dist/src/client/connection.js", import.meta.url).href;
const { connectHandle } = (await import(BUILT)) as { readonly connectHandle: typeof ConnectHandle };

/** No request may take longer, whatever is done to the system meanwhile: a restart takes a few seconds. */
export const STUCK_MS = 25_000;
/** How long a client waits for what hangs. */
const PATIENCE_MS = 400;
const LARGE_BYTES = 200_000;
const SMALL_BYTES = 2000;
const MESSAGES = 3;

const PREFIX: Readonly<Record<App, string>> = { wide: "/a", narrow: "/b" };

/** What a client does. */
export interface Sending {
  readonly route: Route;
  readonly app: App;
  readonly step: Step;
  /** The client goes away after so many milliseconds. */
  readonly leavesAfterMs?: number;
}

/** Always settles, in `STUCK_MS` at most. */
export async function send(system: System, sending: Sending): Promise<Seen> {
  const gone = new AbortController();
  const { leavesAfterMs = sending.step.act?.startsWith("hang") === true && !passesOn(sending) ? PATIENCE_MS : undefined } = sending;
  const over = new AbortController();
  const leaving = leavesAfterMs === undefined ? undefined : setTimeout(() => gone.abort(), leavesAfterMs);
  try {
    return await Promise.race([
      attempt(system, sending, gone.signal),
      sleep(STUCK_MS, undefined, { signal: over.signal }).then((): Seen => ({ outcome: "stuck", detail: `no end in ${STUCK_MS} ms` })),
    ]);
  } finally {
    clearTimeout(leaving);
    over.abort();
    gone.abort();
  }
}

const passesOn = ({ route }: Sending) => wayOf(route) !== undefined;

async function attempt(system: System, sending: Sending, signal: AbortSignal): Promise<Seen> {
  const { route } = sending;
  try {
    if (route.startsWith("outside ")) return await sendOutside(system, sending, signal);
    if (route === "socket") return await talk(system, sending, signal);
    return await sendOverHttp(system, sending, signal);
  } catch (error) {
    if (signal.aborted) return { outcome: "left", detail: "went away" };
    return { outcome: outcomeOfFailure(error), detail: String(error) };
  }
}

async function sendOverHttp(system: System, sending: Sending, signal: AbortSignal): Promise<Seen> {
  const { route, app, step } = sending;
  const way = wayOf(route);
  const path =
    way !== undefined
      ? `pass/${way}`
      : route === "get"
        ? "direct"
        : route.startsWith("post")
          ? "body"
          : route === "stream"
            ? "items"
            : route;
  const body = route === "post large" ? bytesOf(LARGE_BYTES) : route === "post small" ? bytesOf(SMALL_BYTES) : undefined;
  const answer = await sendHttp(new URL(`${PREFIX[app]}/${path}`, system.url), {
    method: body === undefined ? "GET" : "POST",
    headers: headersOf(step),
    ...(body === undefined ? {} : { body }),
    signal,
  });
  if (answer.status !== 200) return refusedWith(answer);
  if (route === "stream" || route === "relay") {
    const id = route === "relay" ? `${step.id}.1` : step.id;
    return itemsSeen(answer.body, step, id, route === "relay" ? [{ id, isAnswered: true }] : undefined);
  }
  const value = JSON.parse(answer.body) as unknown;
  return way === undefined ? directSeen(value, step, body) : passedSeen(value as FrontAnswer, step, route);
}

function headersOf({ id, key, model, ...rest }: Step): Record<string, string> {
  const step: Step = { id, ...rest, ...(key === undefined ? {} : { key }), ...(model === undefined ? {} : { model }) };
  return {
    "x-request-id": id,
    "x-step": encodeURIComponent(JSON.stringify(step)),
    "accept-encoding": "identity",
    ...(key === undefined ? {} : { "x-session-id": key }),
  };
}

async function sendOutside(system: System, { route, app, step }: Sending, signal: AbortSignal): Promise<Seen> {
  const handle = connectHandle({ url: system.url, token: system.testToken, app }) as unknown as DeploymentHandle<Outside>;
  const front = handle.options({ signal, ...(step.act?.startsWith("hang") === true ? { timeoutMs: PATIENCE_MS } : {}) });
  try {
    if (route === "outside run") return directSeen(await front.run.remote(step), step);
    if (route === "outside call") return passedSeen(await front.pass.remote(step, "call"), step, route);
    let text = "";
    for await (const item of front.items.remote(step)) text += item;
    return itemsSeen(text, step, step.id);
  } catch (error) {
    if (signal.aborted) return { outcome: "left", detail: "went away" };
    return errorSeen(error);
  }
}

/** The part of a front that is called from outside. */
interface Outside {
  run(step: Step): Promise<unknown>;
  pass(step: Step, way: Way): Promise<FrontAnswer>;
  items(step: Step): AsyncGenerator<string>;
}

async function talk(system: System, { app, step }: Sending, signal: AbortSignal): Promise<Seen> {
  const upgraded = await upgrade(new URL(`${PREFIX[app]}/socket`, system.url), headersOf(step), signal);
  if (!("socket" in upgraded)) return refusedWith(upgraded);
  const { socket, rest } = upgraded;
  const leave = () => socket.destroy(new Error("went away"));
  signal.addEventListener("abort", leave, { once: true });
  try {
    for (let n = 0; n < MESSAGES; n++) socket.write(frameOf(Buffer.from(String(n))));
    let heard = 0;
    for await (const frame of framesOf(socket, rest)) {
      const code = closeCodeOf(frame);
      if (code === 1000 && heard === MESSAGES) return { outcome: "ok", detail: `${heard} messages` };
      if (code !== undefined) return { outcome: "broken", detail: `closed with ${code} after ${heard} messages` };
      if (frame.payload.toString() !== `${step.id} ${heard}`) return { outcome: "wrong", detail: frame.payload.toString() };
      if (++heard === MESSAGES) socket.write(closeFrame(1000));
    }
    return { outcome: signal.aborted ? "left" : "broken", detail: `ended after ${heard} messages` };
  } finally {
    signal.removeEventListener("abort", leave);
    socket.destroy();
  }
}

/** Opens a WebSocket, sends what is no frame and drops the connection. */
export async function sendBadFrame(system: System, app: App, step: Step, signal: AbortSignal): Promise<Seen> {
  try {
    const upgraded = await upgrade(new URL(`${PREFIX[app]}/socket`, system.url), headersOf(step), signal);
    if (!("socket" in upgraded)) return refusedWith(upgraded);
    const { socket } = upgraded;
    socket.on("error", () => {});
    // Thirteen is no opcode.
    socket.write(Buffer.alloc(60, 0x0d));
    await sleep(5);
    socket.resetAndDestroy();
    return { outcome: "left", detail: "sent a bad frame and went away" };
  } catch (error) {
    if (signal.aborted) return { outcome: "left", detail: "went away" };
    return { outcome: outcomeOfFailure(error), detail: String(error) };
  }
}

function refusedWith({ status, headers, body }: HttpAnswer): Seen {
  const retryAfter = headers["retry-after"];
  const outcome = outcomeOfStatus(status, typeof retryAfter === "string" ? retryAfter : undefined);
  return { outcome, detail: `${status}${retryAfter === undefined ? "" : `, Retry-After ${String(retryAfter)}`}: ${body.slice(0, 200)}` };
}

function errorSeen(error: unknown): Seen {
  if (!(error instanceof Error)) return { outcome: "failed", detail: `thrown: ${typeof error}` };
  const { name, message, cause } = error;
  const seen = error as Error & Pick<SeenError, "code" | "retryAfterMs">;
  // A connection that was never made, in the client's own words.
  if (outcomeOfFailure({ cause }) === "unreachable") return { outcome: "unreachable", detail: message };
  return { outcome: outcomeOfError(seen), detail: `${name}${seen.code === undefined ? "" : ` (${seen.code})`}: ${message.slice(0, 200)}` };
}

const mustFail = ({ act }: Step) => act?.startsWith("throw ") === true || act?.startsWith("answer ") === true;
/** A handle carries what HTTP can't send. */
const maySucceed = ({ act }: Step) => act === "answer error response";

function directSeen(value: unknown, step: Step, body?: Uint8Array): Seen {
  const { id, length } = (value ?? {}) as { readonly id?: unknown; readonly length?: unknown };
  const isRight = id === step.id && (body === undefined || length === body.length) && !mustFail(step);
  return { outcome: isRight ? "ok" : "wrong", detail: short(value) };
}

function passedSeen(value: FrontAnswer, step: Step, route: Route): Seen {
  const isRight = value.id === step.id && value.passed.every((passed) => isRightly(passed, step, route));
  const ended = value.passed.map(({ isAnswered, error }) => (isAnswered ? "answered" : (error?.code ?? error?.name ?? "error")));
  return { outcome: isRight ? "ok" : "wrong", detail: isRight ? ended.join(", ") : short(value), passed: value.passed };
}

function isRightly({ id, isAnswered, value }: Passed, step: Step, route: Route): boolean {
  if (!isAnswered) return true;
  // That it has been enqueued is all that is answered.
  if (mustFail(step) && route !== "task") return maySucceed(step);
  if (route === "items") return value === (step.items ?? 5);
  return (value as { readonly id?: unknown } | undefined)?.id === id;
}

function itemsSeen(text: string, step: Step, id: string, passed?: readonly Passed[]): Seen {
  const expected = Array.from({ length: step.items ?? 5 }, (_, n) => `${id} ${n}\n`).join("");
  const isRight = text === expected && !mustFail(step);
  return { outcome: isRight ? "ok" : "wrong", detail: `${text.split("\n").length - 1} items`, ...(passed === undefined ? {} : { passed }) };
}

function short(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, 300);
}

const bytesOf = (length: number): Uint8Array => new Uint8Array(length).fill(7);
