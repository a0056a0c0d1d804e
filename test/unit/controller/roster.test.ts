import fc from "fast-check";
import { expect, it } from "vitest";
import { Roster, type ReplicaChange } from "../../../src/controller/roster.ts";
import { isInSet, mayBeAwake, type ReplicaState } from "../../../src/controller/state.ts";

const START_MS = 1_000_000;

const change: fc.Arbitrary<ReplicaChange> = fc.record(
  {
    phase: fc.constantFrom("STARTING" as const, "RUNNING" as const, "DRAINING" as const),
    version: fc.constantFrom(null, "v1", "v2"),
    epoch: fc.nat(4),
    contactAtMs: fc.oneof(fc.constant(0), fc.integer({ min: START_MS - 300_000, max: START_MS + 100_000 })),
    retryAtMs: fc.oneof(fc.constant(0), fc.integer({ min: START_MS, max: START_MS + 100_000 })),
    drainUntilMs: fc.integer({ min: START_MS, max: START_MS + 100_000 }),
  },
  { requiredKeys: [] },
);
const happening = fc.oneof(
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("add" as const), change }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("update" as const), index: fc.nat(20), change }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("remove" as const), index: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("aim" as const), version: fc.constantFrom("v1", "v2"), epoch: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("time" as const), ms: fc.nat(100_000) }) },
);

function replicaOf(ordinal: number, incarnation: number): ReplicaState {
  return {
    ordinal,
    incarnation,
    ref: { name: `app/Model/-/${ordinal}.${incarnation}` },
    phase: "STARTING",
    sinceMs: 0,
    version: null,
    epoch: 0,
    contactAtMs: 0,
    retryAtMs: 0,
    drainUntilMs: 0,
    message: "",
    load: [],
    stats: null,
  };
}

it("[O1] a roster knows what going through all its replicas would tell, whatever has happened to them", () => {
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 60 }), (happenings) => {
      const roster = new Roster();
      let aim = { version: "v1", epoch: 1, configEpoch: 1 };
      let nowMs = START_MS;
      let incarnation = 0;
      roster.aimAt(aim);
      for (const one of happenings) {
        const all = [...roster];
        if (one.kind === "add") {
          const replica = replicaOf(roster.freeOrdinal(), incarnation++);
          roster.add(replica);
          // Only one that is in the set keeps its number to itself.
          roster.update(replica, one.change);
        } else if (one.kind === "aim")
          roster.aimAt((aim = { version: one.version, epoch: one.epoch, configEpoch: Math.min(one.epoch, 2) }));
        else if (one.kind === "time") nowMs += one.ms;
        else if (all.length > 0) {
          const replica = all[one.index % all.length]!;
          if (one.kind === "remove") roster.remove(replica);
          // One that drains does not come back.
          else roster.update(replica, isInSet(replica) ? one.change : { ...one.change, phase: "DRAINING" });
        }
        expectCounted(roster, aim, nowMs);
      }
    }),
    { numRuns: 500 },
  );
});

function expectCounted(
  roster: Roster,
  { version, epoch, configEpoch }: { version: string; epoch: number; configEpoch: number },
  nowMs: number,
) {
  const all = [...roster];
  const inSet = all.filter(isInSet);
  expect([roster.size, roster.inSetCount, roster.runningCount]).toEqual([
    all.length,
    inSet.length,
    all.filter(({ phase }) => phase === "RUNNING").length,
  ]);
  const free = Array.from({ length: all.length + 1 }, (_, ordinal) => ordinal).find((ordinal) =>
    inSet.every((one) => one.ordinal !== ordinal),
  );
  expect(roster.freeOrdinal()).toBe(free);
  for (const { ordinal } of all) expect(roster.withOrdinal(ordinal)).toEqual(all.filter((one) => one.ordinal === ordinal));

  const runs = (one: ReplicaState) => one.phase === "RUNNING" && one.version === version;
  expect(roster.isSettled(nowMs)).toBe(all.every((one) => runs(one) && (one.epoch >= configEpoch || !mayBeAwake(one, nowMs))));

  const starts = all.filter((one) => one.phase === "STARTING" || (one.phase === "RUNNING" && one.version !== version));
  const isToldNews = (one: ReplicaState) => mayBeAwake(one, nowMs) || (one.phase === "DRAINING" && one.contactAtMs > 0);
  const news = all.filter((one) => one.epoch < epoch && isToldNews(one) && one.phase !== "STARTING");
  const earliest = (some: readonly ReplicaState[]) => (some.length === 0 ? undefined : Math.min(...some.map(({ retryAtMs }) => retryAtMs)));
  expect(roster.nextOrderAtMs(nowMs, true)).toBe(earliest([...starts, ...news]));
  expect(roster.nextOrderAtMs(nowMs, false)).toBe(earliest(news));
}
