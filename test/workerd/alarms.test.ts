import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { exports } from "cloudflare:workers";
import { expect, it, vi } from "vitest";
import type { ApplicationDetails } from "../../src/protocol/status.ts";

interface Stub {
  fail(times: number): Promise<void>;
  status(): Promise<ApplicationDetails>;
}

const controllers = (exports as unknown as { FaultyController: { getByName(name: string): Stub } }).FaultyController;

/** More often than the platform tries an alarm that throws. */
const FAILURES = 8;

it("an alarm whose object cannot read its storage is armed again each time, and does its work when that is over", async () => {
  const errors = vi.spyOn(console, "error").mockImplementation(() => {});
  const stub = controllers.getByName("default");
  const alarmAtMs = () => runInDurableObject(stub as never, (_: unknown, state: DurableObjectState) => state.storage.getAlarm());
  expect((await stub.status()).status).toBe("DEPLOYING");
  await evictDurableObject(stub as never);
  await stub.fail(FAILURES);
  for (let n = 0; n < FAILURES; n++) {
    // It runs the handler, and would reject with what that let out.
    expect([n, await runDurableObjectAlarm(stub as never)]).toEqual([n, true]);
    expect(await alarmAtMs()).toBeGreaterThan(Date.now());
  }
  expect(errors).toHaveBeenCalledTimes(FAILURES);
  expect(await runDurableObjectAlarm(stub as never)).toBe(true);
  await expect.poll(async () => (await stub.status()).status).toBe("RUNNING");
  expect(await alarmAtMs()).toBeNull();
  errors.mockRestore();
});
