import { describe, expect, it, vi } from "vitest";
import { seeded } from "../../../bench/simulation/random.ts";

import { initialReplicaSet, type ReplicaRef } from "../../../src/protocol/replica-set.ts";
import { ReplicaEstimates } from "../../../src/router/replica-estimates.ts";
import { Ordering } from "../../../src/router/ordering.ts";
import { Clock } from "../../support/clock.ts";
import { configOf } from "../../support/controlled-world.ts";

const META = { requestId: "r", chain: ["app/Model"], hops: 1 };

/** An ordering of as many replicas, every tenth of them in Europe, as an isolate there sees them. */
function european(count: number) {
  const clock = new Clock();
  const knowledge = new ReplicaEstimates(clock.now);
  const set = initialReplicaSet("app", "Model", configOf(), null);
  const replicas = Array.from({ length: count }, (_, index): ReplicaRef => ({
    name: `app/Model/-/${index}.0`,
    locationHint: index % 10 === 0 ? "weur" : "apac",
  }));
  const ordering = new Ordering({ ...set, replicas, spill: [] }, knowledge, {
    random: seeded(1),
    now: clock.now,
    region: () => "weur",
  });
  return { ordering, knowledge, replicas };
}

const hintsOf = (replicas: readonly ReplicaRef[]) => replicas.map(({ locationHint }) => locationHint);

describe("an ordering of many replicas", () => {
  it("looks at two near and two far ones for each place, however many there are", () => {
    const { ordering, knowledge } = european(5000);
    const looks = vi.spyOn(knowledge, "loadOf");
    ordering.of({ meta: META }, 3);
    expect(looks.mock.calls.length).toBe(12);
  });

  it("has the near ones first and a far one last, and comes to all of both", () => {
    const { ordering } = european(100);
    const first = new Set<string>();
    const last = new Set<string>();
    for (let request = 0; request < 2000; request++) {
      const order = ordering.of({ meta: META }, 3);
      expect(hintsOf(order)).toEqual(["weur", "weur", "apac"]);
      first.add(order[0]!.name);
      last.add(order[2]!.name);
    }
    expect([first.size, last.size]).toEqual([10, 90]);
  });

  it("leaves out those that were lost, while there are others", () => {
    const { ordering, knowledge, replicas } = european(20);
    for (const { name } of replicas.slice(0, 19)) knowledge.lost(name);
    expect(ordering.of({ meta: META }, 3)).toEqual([replicas[19]]);
    knowledge.lost(replicas[19]!.name);
    expect(ordering.of({ meta: META }, 3)).toHaveLength(3);
  });

  it("forgets what it knew of replicas that have left, and nothing of those that stay", () => {
    const { ordering, knowledge, replicas } = european(4);
    const set = initialReplicaSet("app", "Model", configOf(), null);
    const [gone, stays] = [replicas[0]!, replicas[1]!];
    for (const { name } of [gone, stays]) {
      knowledge.lost(name);
      ordering.answered(name, { ...META, multiplexedModelId: "fr" });
    }
    ordering.take({ ...set, epoch: 1, replicas: replicas.slice(1), spill: [] });
    expect([knowledge.isAvoided(gone.name), knowledge.isAvoided(stays.name)]).toEqual([false, true]);
    ordering.take({ ...set, epoch: 2, replicas: [gone, stays], spill: [] });
    expect(ordering.of({ meta: META }, 2)).toEqual([gone]);
  });

  it("keeps what it knew of a replica that may be started", () => {
    const { ordering, knowledge, replicas } = european(4);
    const set = initialReplicaSet("app", "Model", configOf(), null);
    knowledge.lost(replicas[3]!.name);
    ordering.take({ ...set, epoch: 1, replicas: replicas.slice(0, 3), spill: [replicas[3]!] });
    expect(knowledge.isAvoided(replicas[3]!.name)).toBe(true);
  });

  it("knows where replicas of a new set are", () => {
    const { ordering, replicas } = european(100);
    ordering.of({ meta: META }, 3);
    const set = initialReplicaSet("app", "Model", configOf(), null);
    ordering.take({ ...set, replicas: replicas.map(({ name }) => ({ name, locationHint: "apac" })), spill: [] });
    expect(hintsOf(ordering.of({ meta: META }, 3))).toEqual(["apac", "apac", "apac"]);
  });
});
