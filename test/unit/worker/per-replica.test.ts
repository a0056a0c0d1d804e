import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { perReplica } from "../../../durable-objects/per-replica.ts";
import { turnOfTheEventLoop } from "../../support/event-loop.ts";

const NAME = "app/Model/-/0.0";

it("what is made for a replica is made once", () => {
  let count = 0;
  const idOf = perReplica((name) => ({ name, number: count++ }));
  const replica = { name: NAME };
  expect(idOf(replica)).toEqual({ name: NAME, number: 0 });
  expect(idOf(replica)).toBe(idOf(replica));
});

it("what is made for a replica goes with the set that it is in", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const idOf = perReplica((name) => ({ name }));
  let set: readonly { readonly name: string }[] = [{ name: NAME }];
  const id = new WeakRef(idOf(set[0]!));
  set = [{ name: "app/Model/-/0.1" }];
  idOf(set[0]!);
  // What a `WeakRef` was asked for lives to the end of its turn.
  await expect.poll(() => turnOfTheEventLoop().then(() => (collect(), id.deref()))).toBeUndefined();
});
