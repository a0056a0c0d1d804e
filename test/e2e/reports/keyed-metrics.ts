/**
 * What the objects of keys have counted, as it is scraped. Part of `reports.test.ts`.
 */
import { afterAll, beforeAll, describe, it } from "vitest";
import { readPrometheus } from "../../support/prometheus.ts";
import { type KeyedShop, newKey, serveShop, TOKEN } from "../../support/keyed-shop.ts";

let server: KeyedShop["server"];
let carts: KeyedShop["carts"];

const api = (path: string) => server.fetch(`/-/api/${path}`, { headers: { authorization: `Bearer ${TOKEN}` } });

describe.concurrent("the metrics of a keyed deployment", () => {
  beforeAll(async () => void ({ server, carts } = await serveShop()));
  afterAll(() => server?.stop());

  it("show what was counted, all of it, without the keys", async ({ expect }) => {
    const samplesOf = async (name: string) =>
      (readPrometheus(await (await api("metrics")).text()).get(name)?.samples ?? []).filter(
        ({ labels }) => labels["deployment"] === "Cart",
      );
    const count = async (name: string, labels: Readonly<Record<string, string>> = {}) =>
      (await samplesOf(name))
        .filter((sample) => Object.entries(labels).every(([label, value]) => sample.labels[label] === value))
        .reduce((sum, { value }) => sum + value, 0);
    const requests = () => count("serve_deployment_request_counter_total");
    const errors = () => count("serve_deployment_error_counter_total", { exception_type: "TypeError" });
    const soon = { timeout: 60_000, interval: 1000 };
    const once = newKey();
    await carts.get(once).items.remote();
    await expect(carts.get(once).fail.remote()).rejects.toThrow("not for sale");
    // What was counted before has been told, and is shown as it is: counts begin at 0 for a while.
    let [ran, failed] = [-1, -1];
    await expect
      .poll(
        async () => {
          const before = [ran, failed];
          [ran, failed] = [await requests(), await errors()];
          return ran > 0 && failed > 0 && before[0] === ran && before[1] === failed;
        },
        { timeout: 60_000, interval: 6000 },
      )
      .toBe(true);
    const keys = Array.from({ length: 50 }, newKey);
    await Promise.all(
      keys.map(async (key, at) => {
        for (let n = 0; n < 4; n++) await carts.get(key).items.remote();
        if (at % 5 === 0) await expect(carts.get(key).fail.remote()).rejects.toThrow("not for sale");
        // Also of those that are gone.
        if (at % 2 === 0) await carts.delete(key);
      }),
    );
    await expect.poll(requests, soon).toBe(ran + 200);
    await expect.poll(errors, soon).toBe(failed + 10);
    // Once each.
    await new Promise((resolve) => setTimeout(resolve, 6000));
    expect([await requests(), await errors()]).toEqual([ran + 200, failed + 10]);
    const samples = await samplesOf("serve_deployment_request_counter_total");
    expect(new Set(samples.map(({ labels }) => labels["replica"]))).toEqual(new Set([""]));
    expect(samples.length).toBeLessThan(5);
    expect(JSON.stringify(samples)).not.toContain(keys[0]);
  }, 240_000);
});
