/** What tests of a shard say in one word, about the world of the test that runs. */
import { encodeError } from "../../../src/protocol/error-codec.ts";
import type { EnqueueRequest } from "../../../src/protocol/tasks.ts";
import { type Run, settled, World } from "./world.ts";

export let world: World;

/** Before each test. */
export function freshWorld(): void {
  world = new World();
}

const request = (id: string, more: Partial<EnqueueRequest> = {}): EnqueueRequest => ({
  id,
  deployment: "Mail",
  method: "send",
  arguments: "[[]]",
  ...more,
});
export const enqueue = (id: string, more: Partial<EnqueueRequest> = {}) => world.shard.enqueue(request(id, more));
export const status = async (id: string) => (await world.shard.status(id))!;
export const thrown = (error: unknown) => ({ kind: "error", error: encodeError(error) }) as const;
export const started = async (id: string, more: Partial<EnqueueRequest> = {}) => {
  await enqueue(id, more);
  await world.pass(0);
  return world.run(id)!;
};
export const ended = async (id: string, outcome: Parameters<Run["end"]>[0]) => {
  world.run(id)!.end(outcome);
  await settled();
};
