/** Where what failed of a deployment failed: the stack beside the message. */
import { describe, expect, it } from "vitest";
import type { OrderOutcome, ReplicaEvent } from "../../../src/protocol/control.ts";
import { ControlledWorld, manifestOf } from "../../support/controlled-world.ts";

const FIRST = "app/Model/-/0.0";
const STACK = "TypeError: no weights\n    at new Model (worker.js:1:2)";
const failed = { message: "it threw TypeError: no weights", stack: STACK };

async function running(): Promise<ControlledWorld> {
  const world = new ControlledWorld(manifestOf({ Model: { numReplicas: 2 } }));
  await world.run();
  return world;
}

async function ordered(outcome: OrderOutcome): Promise<ControlledWorld> {
  const world = new ControlledWorld(manifestOf({ Model: { numReplicas: 2 } }));
  world.answer = ({ replica }) => (replica.name === FIRST ? outcome : { kind: "done", version: "v1" });
  await world.run();
  return world;
}

async function told(event: ReplicaEvent): Promise<ControlledWorld> {
  const world = await running();
  await world.report(FIRST, event, { epoch: 99 });
  return world;
}

describe("the stack of what failed", () => {
  it.each<[string, () => Promise<ControlledWorld>]>([
    ["a start that was ordered", () => ordered({ kind: "startFailed", version: "v1", ...failed })],
    ["a start for a request", () => told({ kind: "startFailed", ...failed })],
    ["checkHealth()", () => told({ kind: "unhealthy", ...failed })],
    ["reconfigure() in an order", () => ordered({ kind: "reconfigureFailed", version: "v1", ...failed })],
    ["reconfigure() when a replica woke", () => told({ kind: "refused", failure: failed.message, stack: STACK })],
  ])("is with the deployment for %s, over a loss of the controller, until all is well", async (_, happens) => {
    const world = await happens();
    world.crash();
    expect(await world.model()).toMatchObject({ message: expect.stringContaining(failed.message), stack: STACK });
    world.answer = () => ({ kind: "done", version: "v2" });
    world.deploy("v2");
    await world.run(60_000);
    const { status, stack } = await world.model();
    expect([status, stack]).toEqual(["HEALTHY", undefined]);
  });

  it("is no other failure's", async () => {
    const world = await told({ kind: "startFailed", ...failed });
    await world.report(FIRST, { kind: "startFailed", message: "setup(): it took longer than 600000 ms" }, { epoch: 99 });
    expect((await world.model()).stack).toBeUndefined();
  });
});
