/** Which running requests nobody waits for any more, as the check of a replica is told. */
import { expect, it, vi } from "vitest";
import { ClientWatch } from "../../../src/context/client-watch.ts";
import { Slot } from "../../../src/replica/admission.ts";
import { Runs } from "../../../src/replica/run.ts";
import { replicaScope, requestMeta } from "../../support/scope.ts";

function running(source?: AbortSignal) {
  const runs = new Runs(replicaScope(), { ran: () => {} }, { now: Date.now });
  const client = source === undefined ? undefined : { request: { signal: source }, clients: new ClientWatch() };
  const run = runs.begin(requestMeta(), "1", new Slot(() => {}), client);
  return { runs, run, isAbandoned: () => runs.running().map(({ abandonedAtMs }) => abandonedAtMs !== undefined) };
}

it("one whose client has left, although neither its method nor a call of its own has looked", () => {
  const client = new AbortController();
  const { isAbandoned, run } = running(client.signal);
  expect(isAbandoned()).toEqual([false]);
  client.abort();
  expect([isAbandoned(), run.isAborted]).toEqual([[true], true]);
});

it("a call that was cancelled", () => {
  const { isAbandoned, runs } = running();
  expect(isAbandoned()).toEqual([false]);
  runs.abort("1", new Error("gone"));
  expect(isAbandoned()).toEqual([true]);
});

it("not one that has answered: its client may leave alone what it has been given", () => {
  const client = new AbortController();
  const { isAbandoned, run } = running(client.signal);
  run.isAnswered = true;
  client.abort();
  expect(isAbandoned()).toEqual([false]);
});

it("none that has ended", () => {
  const { isAbandoned, run, runs } = running(AbortSignal.abort());
  runs.finish(run);
  expect(isAbandoned()).toEqual([]);
});

it("a call whose deadline has passed, although its caller has died and says nothing", async () => {
  vi.useFakeTimers();
  const runs = new Runs(replicaScope(), { ran: () => {} }, { now: Date.now });
  const begin = (id: string, deadline: number | undefined) => runs.begin(requestMeta({ deadline }), id, new Slot(() => {}));
  const [late, early, free] = [begin("1", Date.now() + 500), begin("2", Date.now() + 5000), begin("3", undefined)];
  const ended = begin("4", Date.now() + 500);
  runs.finish(ended);
  await vi.advanceTimersByTimeAsync(1499);
  expect(late.isAborted).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect([late, early, free, ended].map(({ isAborted }) => isAborted)).toEqual([true, false, false, false]);
  runs.finish(early);
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});
