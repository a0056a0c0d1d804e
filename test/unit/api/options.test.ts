import { describe, expect, it } from "vitest";
import { deployment } from "../../../src/api/deployment.ts";
import type { OptionTable } from "../../../src/api/option-table.ts";
import { DEPLOYMENT_OPTIONS, type DeploymentOptions } from "../../../src/api/options.ts";
import { ConfigError } from "../../../src/protocol/errors.ts";
import { expectMentions } from "../../support/mentions.ts";
import { TABLE } from "./options-table.ts";

class Rank {
  call() {}
  reconfigure() {}
}

function optionsWith(option: string, value: unknown): DeploymentOptions {
  return option.split(".").reduceRight((inner, name) => (name === "0" ? [inner] : { [name]: inner }), value) as DeploymentOptions;
}

function errorOf(action: () => unknown): ConfigError {
  try {
    action();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error("It was accepted.");
}

const accepted = TABLE.flatMap(({ option, accepts }) => accepts.map((value) => [option, value] as const));
const refused = TABLE.flatMap((row) => row.refuses.map((value) => [row.option, value, row.accepted] as const));

describe("an option of a deployment", () => {
  it.each(accepted)("%s accepts %j", (option, value) => {
    expect(() => deployment(Rank, optionsWith(option, value))).not.toThrow();
  });

  it.each(refused.filter(([option]) => option !== "name").map(([option, value, what]) => ({ option, value, what })))(
    "$option refuses $value, naming deployment, option, value and what is accepted",
    ({ option, value, what }) => {
      const { message, code } = errorOf(() => deployment(Rank, optionsWith(option, value)));
      expect(code).toBe("CONFIG");
      expectMentions(message, '"Rank"', option, ...what);
      expect(message.length).toBeLessThan(400);
      if (typeof value === "number" || typeof value === "string")
        expectMentions(message, typeof value === "number" ? String(value) : JSON.stringify(value));
    },
  );

  it.each(refused.filter(([option, value]) => option === "name" && value !== ""))("%s refuses %j", (_, value, what) => {
    const { message } = errorOf(() => deployment(Rank, { name: value } as DeploymentOptions));
    expectMentions(message, "Deployment", "name", JSON.stringify(value), ...what);
  });

  it.each([
    [{ replicas: 2 }, "replicas", "numReplicas"],
    [{ maxOngoing: 2 }, "maxOngoing", "maxOngoingRequests"],
    [{ numreplicas: 2 }, "numreplicas", "numReplicas"],
    [{ autoscaling: { minReplica: 1 } }, "autoscaling.minReplica", "minReplicas"],
    [{ logging: { acessLog: true } }, "logging.acessLog", "accessLog"],
    [{ retries: { attempt: 2 } }, "retries.attempt", "attempts"],
  ])("%j is unknown, and the nearest is suggested", (options, option, suggestion) => {
    const { message } = errorOf(() => deployment(Rank, options as DeploymentOptions));
    expectMentions(message, '"Rank"', "unknown", JSON.stringify(option), suggestion);
  });

  it.each(["constructor", "toString", "__proto__", "x".repeat(1_000_000)])(
    "%.20s is unknown too, as an option and inside of one",
    (name) => {
      for (const options of [{ [name]: 1 }, { retries: { [name]: 1 } }, { autoscaling: { [name]: {} } }]) {
        const { message } = errorOf(() => deployment(Rank, options as DeploymentOptions));
        expectMentions(message, '"Rank"', "unknown");
        expect(message).toContain(name.slice(0, 50));
        expect(message.length).toBeLessThan(600);
      }
    },
  );

  it("that resembles nothing is answered with all that there are", () => {
    const { message } = errorOf(() => deployment(Rank, { zzz: 1 } as DeploymentOptions));
    expectMentions(message, '"Rank"', '"zzz"', "name", "numReplicas", "logging");
  });

  const doubled = (levels: number) => Array.from({ length: levels }).reduce<unknown>((value) => [value, value], 1);
  it.each<[string, Record<string, unknown>, string]>([
    ["a graph that has no end as text", { maxQueuedRequests: doubled(60) }, "maxQueuedRequests"],
    ["such a graph as userConfig", { userConfig: doubled(60) }, "userConfig"],
    ["an empty array of length 2^32-1 as userConfig", { userConfig: Object.assign([], { length: 2 ** 32 - 1 }) }, "userConfig"],
    ["an array of a million", { numReplicas: Array.from({ length: 1_000_000 }, () => ({})) }, "numReplicas"],
    ["a text of 1 MB", { logging: { level: "x".repeat(1_000_000) } }, "logging.level"],
    ["a text of 11 MB as userConfig", { userConfig: ["x".repeat(11_000_000)] }, "userConfig"],
    ["a name of 1 MB", { ["k".repeat(1_000_000)]: 1 }, "unknown option"],
    ["a thousand mistakes", { placement: { locationHints: Array.from({ length: 1000 }, () => "No hint") } }, "placement.locationHints"],
  ])("that is hard to show is refused in a moment, in a few sentences: %s", (_, options, named) => {
    const startedAt = performance.now();
    const { message } = errorOf(() => deployment(Rank, options as DeploymentOptions));
    expect(performance.now() - startedAt).toBeLessThan(3000);
    expect(message).toContain(named);
    expect(message.length).toBeLessThan(20_000);
  });

  it("is checked by options() as well", () => {
    const { message } = errorOf(() => deployment(Rank).options({ numReplicas: -1 }));
    expectMentions(message, '"Rank"', "numReplicas", "0", "1000", '"auto"', "-1");
  });

  it("says all that is wrong at once", () => {
    const { message } = errorOf(() => deployment(Rank, { numReplicas: -1, maxOngoingRequests: 0 }));
    expectMentions(message, "numReplicas", "-1", "maxOngoingRequests", "0");
  });

  it("says no more than a person reads", () => {
    const locationHints = Array.from({ length: 1000 }, (_, index) => index) as unknown as string[];
    const { message } = errorOf(() => deployment(Rank, { placement: { locationHints } }));
    expectMentions(message, "placement.locationHints.0", "970");
    expect(message.length).toBeLessThan(3000);
  });
});

describe("the rows of this table", () => {
  const namesOf = (table: OptionTable, at = ""): string[] =>
    Object.entries(table).flatMap(([name, { fields }]) => (fields === undefined ? [at + name] : namesOf(fields, `${at}${name}.`)));

  it("are about every option that there is", () => {
    const tested = new Set(TABLE.map(({ option }) => option));
    expect(namesOf(DEPLOYMENT_OPTIONS).filter((name) => !tested.has(name))).toEqual([]);
  });
});

describe("a number of replicas and autoscaling", () => {
  it("exclude each other", () => {
    const { message } = errorOf(() => deployment(Rank, { numReplicas: 2, autoscaling: {} }));
    expectMentions(message, '"Rank"', "numReplicas", "2", "autoscaling", '"auto"');
    expect(() => deployment(Rank, { numReplicas: "auto", autoscaling: { maxReplicas: 3 } })).not.toThrow();
  });

  it.each([
    [{ minReplicas: 8, maxReplicas: 4 }, ["autoscaling.minReplicas", "8", "maxReplicas", "4"]],
    [{ minReplicas: 2 }, ["autoscaling.minReplicas", "2", "maxReplicas", "1"]],
    [{ minReplicas: 2, maxReplicas: 4, initialReplicas: 1 }, ["autoscaling.initialReplicas", "1", "minReplicas", "2"]],
    [{ maxReplicas: 4, initialReplicas: 5 }, ["autoscaling.initialReplicas", "5", "maxReplicas", "4"]],
  ])("refuse bounds in the wrong order: %j", (autoscaling, names) => {
    expectMentions(errorOf(() => deployment(Rank, { autoscaling })).message, '"Rank"', ...names);
  });

  it("accept bounds that are equal", () => {
    expect(() => deployment(Rank, { autoscaling: { minReplicas: 3, initialReplicas: 3, maxReplicas: 3 } })).not.toThrow();
  });
});

describe("defaults", () => {
  it("are the contract's", () => {
    expect(deployment(Rank).resolve()).toEqual({
      numReplicas: 1,
      autoscaling: null,
      maxOngoingRequests: 100,
      maxQueuedRequests: 1000,
      requestTimeoutMs: null,
      healthCheckPeriodMs: 10_000,
      healthCheckTimeoutMs: 30_000,
      gracefulShutdownTimeoutMs: 20_000,
      requestRouter: "powerOfTwoChoices",
      placement: {},
      retries: { attempts: 2, onlyIfNotStarted: true },
      backpressure: { statusCode: 503, retryAfterMs: 1000 },
      maxConstructorRetryCount: 20,
      logging: { level: "INFO", accessLog: true },
    });
  });

  it("of autoscaling are the contract's", () => {
    expect(deployment(Rank, { autoscaling: {} }).resolve().autoscaling).toEqual({
      minReplicas: 1,
      maxReplicas: 1,
      initialReplicas: 1,
      targetOngoingRequests: 2,
      metricsIntervalMs: 10_000,
      lookBackPeriodMs: 30_000,
      upscaleDelayMs: 30_000,
      downscaleDelayMs: 600_000,
      downscaleToZeroDelayMs: 600_000,
      upscalingFactor: 1,
      downscalingFactor: 1,
      spillover: true,
      customPolicy: false,
    });
  });

  it('of "auto" allow 100 replicas', () => {
    expect(deployment(Rank, { numReplicas: "auto" }).resolve()).toMatchObject({
      numReplicas: 1,
      autoscaling: { minReplicas: 1, maxReplicas: 100 },
    });
  });

  it("of one option follow another where the contract says so", () => {
    const { numReplicas, autoscaling } = deployment(Rank, {
      autoscaling: { minReplicas: 2, maxReplicas: 4, downscaleDelayMs: 5 },
    }).resolve();
    expect(numReplicas).toBe(2);
    expect(autoscaling).toMatchObject({ initialReplicas: 2, downscaleToZeroDelayMs: 5 });
  });

  it("fill in what a nested option leaves out", () => {
    const config = deployment(Rank, { retries: { attempts: 0 }, backpressure: { statusCode: 429 }, logging: { level: "ERROR" } }).resolve();
    expect(config.retries).toEqual({ attempts: 0, onlyIfNotStarted: true });
    expect(config.backpressure).toEqual({ statusCode: 429, retryAfterMs: 1000 });
    expect(config.logging).toEqual({ level: "ERROR", accessLog: true });
  });
});
