/** The promises of tasks, whatever happens in which order, on a machine that fails between any two steps. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { encodeError } from "../../../src/protocol/error-codec.ts";
import type { TaskState } from "../../../src/protocol/tasks.ts";
import { type Manner, settled, World } from "./world.ts";

const IDS = 6;
const MANNERS: readonly Manner[] = ["runs", "refuses", "waits", "is gone", "has no method", "answer is lost"];

const task = fc.nat(IDS - 1);
const event = fc.oneof(
  fc.record({
    kind: fc.constant("enqueue" as const),
    task,
    delayMs: fc.constantFrom(0, 0, 500),
    identity: fc.option(fc.constantFrom("x", "y")),
  }),
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("pass" as const), ms: fc.constantFrom(0, 1, 100, 1000, 5000, 10_000) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("end" as const),
      task,
      how: fc.constantFrom("value", "error", "final", "unstorable", "lost"),
    }),
  },
  fc.record({ kind: fc.constant("cancel" as const), task }),
  fc.record({ kind: fc.constant("retry" as const), task }),
  fc.record({ kind: fc.constant("cancel waiting" as const) }),
  fc.record({ kind: fc.constant("manner" as const), manner: fc.constantFrom(...MANNERS) }),
  fc.record({ kind: fc.constant("let through" as const) }),
  fc.record({ kind: fc.constant("cut off" as const), isCutOff: fc.boolean() }),
  fc.record({ kind: fc.constant("kill" as const), replica: fc.constantFrom("r0", "r1", "r2") }),
  fc.record({ kind: fc.constant("crash" as const) }),
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("crash in" as const), steps: fc.nat(5) }) },
  fc.record({ kind: fc.constant("options" as const), maxAttempts: fc.integer({ min: 1, max: 4 }), timeoutMs: fc.constantFrom(2000, 8000) }),
);
type Event = typeof event extends fc.Arbitrary<infer T> ? T : never;

/** What must be true of every task that anybody has heard of. */
class Model {
  readonly acknowledged = new Set<string>();
  /** Cancelled while it waited, and how many attempts it had had. */
  readonly cancelled = new Map<string, number>();
  readonly final = new Map<string, TaskState>();
  readonly world: World;

  constructor(world: World) {
    this.world = world;
  }

  /** Looks at what is stored: an outcome that is there stays as it is. */
  check(): void {
    const { world } = this;
    expect(world.wrongs).toEqual([]);
    for (const id of this.acknowledged) {
      const row = world.store.get(id);
      expect(row, `${id} is lost`).toBeDefined();
      const before = this.final.get(id);
      if (before !== undefined) expect([id, `${row!.state} ${world.store.payload(id, "result")}`]).toEqual([id, before]);
      if (["SUCCEEDED", "FAILED", "CANCELLED"].includes(row!.state))
        this.final.set(id, `${row!.state} ${world.store.payload(id, "result")}` as TaskState);
      if (row!.state === "SUCCEEDED") expect(world.store.payload(id, "result")).toBeDefined();
    }
    // Nothing but the alarm wakes the object of a shard.
    if (["PENDING", "RUNNING"].some((state) => world.store.deployments(state as TaskState).length > 0)) expect(world.alarmAt).toBeDefined();
    for (const [id, begun] of this.cancelled) expect([id, world.begun.get(id) ?? 0]).toEqual([id, begun]);
  }
}

async function apply(event: Event, world: World, model: Model): Promise<void> {
  switch (event.kind) {
    case "enqueue": {
      const id = `t${event.task}`;
      const identity = event.identity === null ? {} : { identity: event.identity };
      const answer = await world.ask((shard) =>
        shard.enqueue({ id, deployment: event.task % 2 === 0 ? "Mail" : "Rank", arguments: "[[]]", delayMs: event.delayMs, ...identity }),
      );
      if (answer !== undefined) model.acknowledged.add(answer.value);
      return;
    }
    case "pass":
      return world.pass(event.ms);
    case "end": {
      const run = world.run(`t${event.task}`);
      if (event.how === "value") run?.end({ kind: "value", value: run.attempt });
      else if (event.how === "unstorable") run?.end({ kind: "value", value: () => {} });
      else if (event.how === "lost") run?.end({ kind: "lost" });
      else
        run?.end({ kind: "error", error: encodeError(Object.assign(new Error("x"), event.how === "final" ? { retryable: false } : {})) });
      return settled();
    }
    case "cancel": {
      const id = `t${event.task}`;
      const before = world.store.get(id);
      const answer = await world.ask((shard) => shard.cancel(id));
      // One that waits has no attempt that began; and none that is left runs for it.
      if (answer?.value === true && before?.state === "PENDING") model.cancelled.set(id, world.begun.get(id) ?? 0);
      return;
    }
    case "retry": {
      const id = `t${event.task}`;
      if (["FAILED", "CANCELLED"].includes(world.store.get(id)?.state ?? "")) {
        model.final.delete(id);
        model.cancelled.delete(id);
      }
      await world.ask((shard) => shard.retry(id));
      return;
    }
    case "cancel waiting":
      await world.ask((shard) => shard.cancelWaiting());
      return;
    case "manner":
      world.manner = event.manner;
      return;
    case "let through":
      for (const next of world.queue) next();
      world.queue.clear();
      return settled();
    case "cut off":
      world.isCutOff = event.isCutOff;
      return;
    case "kill":
      world.kill(event.replica);
      return settled();
    case "crash":
      world.crash();
      return;
    case "crash in":
      world.life.stepsLeft = event.steps;
      return;
    case "options":
      world.options = { ...world.options, maxAttempts: event.maxAttempts, timeoutMs: event.timeoutMs };
  }
}

/** Nothing goes wrong any more: everything comes to its end, without anybody asking for it. */
async function heal(world: World): Promise<void> {
  world.manner = "runs";
  world.isCutOff = false;
  world.life.stepsLeft = Infinity;
  for (let n = 0; n < 200; n++) {
    for (const next of world.queue) next();
    world.queue.clear();
    for (const run of world.runs) run.end({ kind: "value", value: "healed" });
    await settled();
    const isOver =
      world.store.busy().length === 0 && ["PENDING", "RUNNING"].every((state) => world.store.deployments(state as TaskState).length === 0);
    if (world.alarmAt === undefined || isOver) break;
    await world.pass(Math.max(0, world.alarmAt - world.nowMs));
  }
}

it("no task is lost, one outcome is stored, attempts do not overlap unless logged, and what was cancelled does not run", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(event, { minLength: 5, maxLength: 60 }),
      fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })),
      async (events, chance) => {
        const world = new World(() => chance.next().value as number);
        world.options = { ...world.options, backoffMs: 200, maxBackoffMs: 1000, timeoutMs: 4000 };
        const model = new Model(world);
        for (const event of events) {
          await apply(event, world, model);
          model.check();
        }
        await heal(world);
        model.check();
        for (const id of model.acknowledged)
          expect([id, world.store.get(id)!.state]).toEqual([id, expect.stringMatching(/SUCCEEDED|FAILED|CANCELLED/)]);
        expect(world.store.busy()).toEqual([]);
      },
    ),
    { numRuns: Number(process.env["TASK_RUNS"] ?? 1000) },
  );
}, 120_000);
