/** Ray Serve's unit test test_pow_2_request_router.py, translated: the real router and replicas, in this process. */
import * as serve from "edge-serve";
import { runLocal } from "edge-serve/testing";
import { expect, it } from "vitest";

/** Replicas whose calls run until they are let go, and which calls began where, in order. */
function held(options: serve.DeploymentOptions) {
  const begun: { readonly name: string; readonly ordinal: number; readonly letGo: () => void }[] = [];
  const watchers = new Set<() => void>();
  class Held {
    async call(name: string): Promise<number> {
      const { ordinal } = serve.getReplicaContext();
      const { promise, resolve } = Promise.withResolvers<void>();
      begun.push({ name, ordinal, letGo: resolve });
      for (const watcher of watchers) watcher();
      await promise;
      return ordinal;
    }
    quick(): number {
      return serve.getReplicaContext().ordinal;
    }
  }
  const whenBegun = (count: number) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (begun.length < count) return;
        watchers.delete(look);
        resolve();
      };
      watchers.add(look);
      look();
    });
  const handle = runLocal(serve.deployment(Held, { logging: { accessLog: false }, ...options }).bind());
  return { handle, begun, whenBegun };
}

it("lets a request wait while the replica is full, until it is free", async () => {
  const { handle, begun, whenBegun } = held({ maxOngoingRequests: 1 });
  const first = handle.remote("first");
  await whenBegun(1);
  const second = handle.remote("second");
  const order: string[] = [];
  void first.then(() => order.push("first"));
  void second.then(() => order.push("second"));
  begun[0]!.letGo();
  await whenBegun(2);
  begun[1]!.letGo();
  await second;
  expect(order).toEqual(["first", "second"]);
});

it("sends a request to the replica that is free when the other is full", async () => {
  const { handle, begun, whenBegun } = held({ numReplicas: 2, maxOngoingRequests: 1 });
  const first = handle.remote("first");
  await whenBegun(1);
  const second = handle.remote("second");
  await whenBegun(2);
  begun.forEach(({ letGo }) => letGo());
  expect(new Set([await first, await second])).toEqual(new Set([0, 1]));
});

it("sends 10 of 10 requests to the replica that runs none when the other runs one", async () => {
  const { handle, begun, whenBegun } = held({ numReplicas: 2 });
  const first = handle.remote("first");
  await whenBegun(1);
  const ordinals: number[] = [];
  for (let n = 0; n < 10; n++) ordinals.push(await handle.quick.remote());
  begun[0]!.letGo();
  const busy = await first;
  expect(ordinals).toEqual(Array.from({ length: 10 }, () => 1 - busy));
});

it("gives 10 requests one slot at a time, first come first served", async () => {
  const { handle, begun, whenBegun } = held({ maxOngoingRequests: 1 });
  const names = Array.from({ length: 10 }, (_, n) => `request ${n}`);
  const all = names.map((name) => handle.remote(name));
  for (let n = 0; n < 10; n++) {
    await whenBegun(n + 1);
    expect(begun.length).toBe(n + 1);
    begun[n]!.letGo();
    await all[n];
  }
  expect(begun.map(({ name }) => name)).toEqual(names);
});
