/** Documents that nobody writes: each is answered, in time by its size, and changes nothing outside of it. */
import { describe, expect, it } from "vitest";
import { validateConfig } from "../../../src/config/system-config.ts";

const MANY = 100_000;
const list = (item: (index: number) => unknown) => Array.from({ length: MANY }, (_, index) => item(index));
const inDeployment = (options: object) => ({ applications: [{ import_path: "a:b", deployments: [{ name: "A", ...options }] }] });
const nested = (depth: number, wrap: (inner: unknown) => unknown) => Array.from({ length: depth }).reduce<unknown>(wrap, 1);
const own = (text: string) => JSON.parse(text) as object;

describe("a hostile document", () => {
  it.each<[string, unknown]>([
    ["applications that are none", { applications: list(() => 1) }],
    ["applications that are empty", { applications: list(() => ({})) }],
    ["applications of one name", { applications: list(() => ({ name: "a", import_path: "a:b" })) }],
    ["deployments that are none", { applications: [{ import_path: "a:b", deployments: list(() => null) }] }],
    ["deployments of one name", { applications: [{ import_path: "a:b", deployments: list(() => ({ name: "A" })) }] }],
    ["keys that there are not", Object.fromEntries(list((index) => [`max_ongoing_request${index}`, 1]) as [string, number][])],
    ["options that there are not", inDeployment(Object.fromEntries(list((index) => [`num_replica${index}`, 1]) as [string, number][]))],
    ["location hints", inDeployment({ placement: { location_hints: list(() => 1) } })],
    ["a long key", { ["k".repeat(1_000_000)]: 1 }],
    ["a long route prefix", { applications: [{ import_path: "a:b", route_prefix: "-/".repeat(500_000) }] }],
    ["a long import path", { applications: [{ import_path: ":".repeat(1_000_000) }] }],
    ["a long name", { applications: [{ import_path: "a:b", name: "a".repeat(1_000_000) }] }],
    ["deep arrays", { applications: nested(100_000, (inner) => [inner]) }],
    ["a deep user_config", inDeployment({ user_config: nested(100_000, (inner) => ({ a: inner })) })],
    ["a deep args", { applications: [{ import_path: "a:b", args: nested(100_000, (inner) => [inner]) }] }],
    ["names that are no names", { applications: list((index) => ({ name: `\n${index}"\\`, import_path: "a:b" })) }],
    ["a prototype as a key", own('{"applications":[],"__proto__":{"applications":[]}}')],
    ["a prototype as an option", inDeployment(own('{"__proto__":{"num_replicas":5}}'))],
    ["a prototype as autoscaling", inDeployment({ autoscaling_config: own('{"__proto__":{"max_replicas":5}}') })],
    ["keys that every object has", inDeployment({ constructor: 1, toString: 2, hasOwnProperty: 3, valueOf: 4 })],
    ["http options that every object has", { applications: [], http_options: { constructor: 1 } }],
  ])("is refused with at most a thousand short sentences: %s", (_, document) => {
    const { config, diagnostics } = validateConfig(document);
    expect(config).toBeUndefined();
    expect(diagnostics.length).toBeGreaterThan(0);
    expect(diagnostics.length).toBeLessThan(1010);
    for (const { message } of diagnostics.slice(0, 50)) {
      expect(message).not.toContain("\n");
      expect(message.length).toBeLessThan(1000);
    }
    expect(({} as Record<string, unknown>)["num_replicas"] ?? ({} as Record<string, unknown>)["max_replicas"]).toBeUndefined();
  });

  it("is read to its end where there are only warnings", () => {
    const deployments = Array.from({ length: 2000 }, (_, index) => ({ name: `A${index}`, ray_actor_options: {} }));
    const { config, diagnostics } = validateConfig({ applications: [{ import_path: "a:b", deployments }] });
    expect(config?.applications[0]?.deployments).toHaveLength(2000);
    expect(diagnostics).toHaveLength(2000);
  });
});
