/** Loads and disposals that never end: nothing of theirs keeps a place, a caller or the end of the replica for ever. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type RequestScope, runInScope } from "../../../src/context/scope.ts";
import { multiplexed } from "../../../src/multiplexing/multiplexed.ts";
import { disposeModels, limitDisposals } from "../../../src/multiplexing/registry.ts";
import { RequestCancelledError } from "../../../src/protocol/errors.ts";
import { GIVE_UP_MS, SETUP_LIMIT_MS } from "../../../src/protocol/limits.ts";
import { outcome, pass } from "../../support/batched.ts";
import { recordLog } from "../../support/log-lines.ts";
import { replicaScope } from "../../support/scope.ts";
import { newRequest } from "./models.ts";

const log = recordLog();
beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const DISPOSE_LIMIT_MS = 700;
const never = () => new Promise<never>(() => {});

/** A replica that holds one model; those whose id begins with "hang" do not end their load, the first `hangs` times. */
function replicaOfOne({ hangs = Infinity, disposes = () => undefined }: { hangs?: number; disposes?: () => unknown } = {}) {
  const events: string[] = [];
  const late = new Map<string, PromiseWithResolvers<void>>();
  let hung = 0;
  const replica = { ...replicaScope(), logging: { level: "INFO", accessLog: false } as const };
  limitDisposals(replica, () => DISPOSE_LIMIT_MS);
  const models = multiplexed(
    async (id: string) => {
      events.push(`+${id}`);
      if (id.startsWith("hang") && hung++ < hangs) {
        const gate = Promise.withResolvers<void>();
        late.set(id, gate);
        await gate.promise;
      }
      return {
        id,
        [Symbol.asyncDispose]: async () => {
          events.push(`-${id}`);
          await disposes();
        },
      };
    },
    { maxModelsPerReplica: 1 },
  );
  const inRequest = <R>(request: RequestScope | undefined, body: () => R) => runInScope({ replica, request }, body);
  return {
    replica,
    events: () => events.splice(0).join(" "),
    late: (id: string) => late.get(id)!,
    get: (id: string, request: RequestScope | undefined = newRequest()) => inRequest(request, () => models(id)),
    prefetch: (id: string, request?: RequestScope) => inRequest(request, () => models.prefetch(id)),
    stats: () => inRequest(undefined, () => models.stats),
  };
}

/** How the callers of a load leave it. */
const LEAVING: Record<string, (request: RequestScope) => void> = {
  "are cancelled": (request) => request.abort(new RequestCancelledError("gone")),
  "answer without waiting": (request) => request.end(),
  "are cancelled and over": (request) => {
    request.abort(new RequestCancelledError("gone"));
    request.end();
  },
};

describe.each(Object.keys(LEAVING))("a load that hangs, whose callers %s", (how) => {
  it("gives its place away, is named in the log, and begins anew for whoever asks next", async () => {
    const { get, events } = replicaOfOne({ hangs: 1 });
    const [first, second] = [newRequest(), newRequest()];
    const calls = [first, second].map((request) => outcome(get("hang", request)));
    await pass(0);
    LEAVING[how]!(first);
    await pass(GIVE_UP_MS * 3);
    expect(log.lines("WARNING")).toEqual([]);
    LEAVING[how]!(second);
    const other = newRequest();
    const waiting = get("good", other);
    await pass(GIVE_UP_MS - 1);
    expect([events(), log.lines("WARNING")]).toEqual(["+hang", []]);
    await pass(1);
    expect([(await waiting).id, events()]).toEqual(["good", "+good"]);
    expect(log.lines("WARNING").map(({ message }) => message)).toEqual([
      'The load of the model "hang" of deployment "Model" still runs 5000 ms after its last caller has left. It is given up.',
    ]);
    other.end();
    await pass(0);
    expect([(await get("hang")).id, events()]).toEqual(["hang", "-good +hang"]);
    for (const call of calls) expect(await call).toBeInstanceOf(RequestCancelledError);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("a load that was given up", () => {
  it.each(["gives a model", "throws"])("changes nothing when it %s after all; the model is disposed of", async (how) => {
    const { get, events, late, stats } = replicaOfOne({ hangs: 1 });
    const request = newRequest();
    void outcome(get("hang", request));
    await pass(0);
    request.end();
    await pass(GIVE_UP_MS);
    const again = newRequest();
    await get("hang", again);
    const before = stats();
    events();
    if (how === "throws") late("hang").reject(new Error("late"));
    else late("hang").resolve();
    await pass(0);
    expect([events(), stats()]).toEqual([how === "throws" ? "" : "-hang", before]);
    expect(before).toMatchObject({ loads: 1, failures: 1 });
    expect((await get("hang", again)).id).toBe("hang");
  });

  it("is kept if a caller comes in time", async () => {
    const { get, late, events } = replicaOfOne({ hangs: 1 });
    const request = newRequest();
    void outcome(get("hang", request));
    await pass(0);
    request.end();
    await pass(GIVE_UP_MS - 1);
    const next = get("hang");
    await pass(GIVE_UP_MS * 2);
    late("hang").resolve();
    expect([(await next).id, events(), log.lines()]).toEqual(["hang", "+hang", []]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("a prefetch that hangs", () => {
  it.each([true, false])("is in nobody's way for longer than a load would be (in a request: %s)", async (isInRequest) => {
    const { prefetch, get, events } = replicaOfOne();
    const request = isInRequest ? newRequest() : undefined;
    void prefetch("hang", request);
    await pass(0);
    request?.end();
    const waiting = get("good");
    await pass(GIVE_UP_MS - 1);
    expect(events()).toBe("+hang");
    await pass(1);
    expect([(await waiting).id, events()]).toEqual(["good", "+good"]);
    expect(log.lines("WARNING").map(({ message }) => message)).toEqual([
      expect.stringContaining('"hang" of deployment "Model" still runs and its place'),
    ]);
  });

  it("goes on as long as nobody needs its place, but not for ever", async () => {
    const { prefetch, late, get, events } = replicaOfOne();
    void prefetch("hang");
    await pass(GIVE_UP_MS * 10);
    late("hang").resolve();
    await pass(0);
    expect([(await get("hang")).id, events(), log.lines()]).toEqual(["hang", "+hang", []]);
    const { prefetch: prefetchAgain } = replicaOfOne();
    void prefetchAgain("hang");
    await pass(SETUP_LIMIT_MS);
    expect([log.lines("WARNING").length, vi.getTimerCount()]).toEqual([1, 0]);
  });
});

describe("a disposal", () => {
  const BAD: Record<string, () => unknown> = {
    hangs: never,
    rejects: () => Promise.reject(new Error("busy")),
    "throws nothing that could be shown": () => {
      throw Object.create(null);
    },
  };

  it.each(Object.keys(BAD))("that %s is logged, and the next model loads within the limit", async (how) => {
    const { get, events } = replicaOfOne({ disposes: BAD[how]! });
    const first = newRequest();
    await get("bad", first);
    first.end();
    const next = get("good");
    await pass(DISPOSE_LIMIT_MS);
    expect([(await next).id, events()]).toEqual(["good", "+bad -bad +good"]);
    expect(log.lines("ERROR").map(({ message }) => message)).toEqual(['Disposing of the model "bad" of deployment "Model" failed.']);
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each(Object.keys(BAD))("that %s does not hold up the end of the replica", async (how) => {
    const { get, replica } = replicaOfOne({ disposes: BAD[how]! });
    await get("bad");
    let isOver = false;
    void disposeModels(replica).then(() => (isOver = true));
    await pass(DISPOSE_LIMIT_MS);
    expect([isOver, log.lines("ERROR").length]).toEqual([true, 1]);
  });
});

it("a load that hangs does not hold up the end of the replica, and what it gives is disposed of", async () => {
  const { get, replica, late, events } = replicaOfOne();
  void outcome(get("hang"));
  await pass(0);
  let isOver = false;
  void disposeModels(replica).then(() => (isOver = true));
  await pass(DISPOSE_LIMIT_MS);
  expect([isOver, log.lines("WARNING").length]).toEqual([true, 1]);
  late("hang").resolve();
  await pass(0);
  expect([events(), vi.getTimerCount()]).toEqual(["+hang -hang", 0]);
});

describe("sizeOf", () => {
  it.each([() => Promise.reject(new Error("async")), () => NaN, () => Object.create(null)])(
    "that gives no size fails the load, whose model is disposed of",
    async (sizeOf) => {
      const disposed: string[] = [];
      const models = multiplexed((id: string) => ({ [Symbol.dispose]: () => void disposed.push(id) }), { sizeOf: sizeOf as () => number });
      const scope = { replica: replicaScope(), request: newRequest() };
      expect(await outcome(runInScope(scope, () => models("a")))).toBeInstanceOf(TypeError);
      await pass(0);
      expect(disposed).toEqual(["a"]);
    },
  );
});
