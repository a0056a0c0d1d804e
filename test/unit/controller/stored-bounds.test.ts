import { describe, expect, it } from "vitest";
import { boundedConfig } from "../../../src/api/bounded-config.ts";
import { boundedState, boundedStore } from "../../../src/controller/stored-bounds.ts";
import type { DeploymentConfig } from "../../../src/protocol/manifest.ts";
import { ControlledWorld, configOf, manifestOf } from "../../support/controlled-world.ts";

type Numbers = Record<string, unknown>;
const MAX_TIME = 2_147_483_647;

/** As an edge-serve without bounds has stored it. */
const unbounded = (changes: Numbers): DeploymentConfig => ({ ...configOf({ userConfig: { numReplicas: 1e9 } }), ...changes });

describe("a configuration that was stored without bounds", () => {
  it.each<[Numbers, Numbers]>([
    [{ numReplicas: 1e9 }, { numReplicas: 1000 }],
    [{ numReplicas: 1001 }, { numReplicas: 1000 }],
    [{ maxOngoingRequests: 1e12 }, { maxOngoingRequests: 1_000_000 }],
    [{ maxQueuedRequests: Number.MAX_SAFE_INTEGER }, { maxQueuedRequests: 1_000_000 }],
    [{ requestTimeoutMs: 1e12 }, { requestTimeoutMs: MAX_TIME }],
    [{ healthCheckPeriodMs: 1e12 }, { healthCheckPeriodMs: MAX_TIME }],
    [{ gracefulShutdownTimeoutMs: 1e300 }, { gracefulShutdownTimeoutMs: MAX_TIME }],
    [{ retries: { attempts: 1e6, onlyIfNotStarted: true } }, { retries: { attempts: 100, onlyIfNotStarted: true } }],
    [{ backpressure: { statusCode: 503, retryAfterMs: 1e12 } }, { backpressure: { statusCode: 503, retryAfterMs: MAX_TIME } }],
  ])("is read within them: %j", (stored, expected) => {
    const { config, problems } = boundedConfig(unbounded(stored));
    expect(config).toEqual(unbounded(expected));
    const [name] = Object.keys(stored);
    expect(problems).toEqual([
      expect.stringMatching(new RegExp(`^${name}\\b.* was stored as .*, and at most \\d+ is accepted: \\d+ is used\\.$`)),
    ]);
  });

  it("is the same object when there is nothing wrong with it", () => {
    for (const options of [{}, { numReplicas: 1000 }, { maxQueuedRequests: -1 }, { autoscaling: { maxReplicas: 1000 } }]) {
      const config = configOf(options);
      expect(boundedConfig(config)).toEqual({ config, problems: [] });
      expect(boundedConfig(config).config).toBe(config);
    }
  });

  it("does not stop its system, and is told as an error and in the status", async () => {
    const huge = manifestOf();
    const application = { ...huge, deployments: { Model: unbounded({ numReplicas: 1e9, autoscaling: null }) } };
    const told: unknown[] = [];
    const tell = (...what: unknown[]) => void told.push(what);
    const store = boundedStore(
      { revision: 3, version: "v1", applications: { app: application, b: null }, pending: ["app"] },
      boundedConfig,
      tell,
    );
    const problem = "numReplicas was stored as 1000000000, and at most 1000 is accepted: 1000 is used.";
    expect(told).toEqual([["app", "Model", problem]]);
    expect(store).toMatchObject({ revision: 3, pending: ["app"], applications: { b: null } });
    const world = new ControlledWorld();
    await world.run();
    await world.controller.adopt({ revision: 3, version: "v1", application: store.applications["app"]! });
    expect((await world.model()).target_num_replicas).toBe(1000);
  });

  it("is brought within them in a controller that has it", async () => {
    const world = new ControlledWorld(manifestOf({ Model: { numReplicas: 2 } }));
    await world.run();
    const { Model: model } = world.stored!.deployments;
    const config = unbounded({ numReplicas: 5000 });
    const stored = { ...world.stored!, deployments: { Model: { ...model!, config, target: 5000 } } };
    const told: unknown[] = [];
    const read = boundedState(stored, boundedConfig, (...what) => void told.push(what));
    const problem = "numReplicas was stored as 5000, and at most 1000 is accepted: 1000 is used.";
    expect(told).toEqual([["app", "Model", problem]]);
    expect(read.deployments["Model"]).toMatchObject({ target: 1000, message: problem, config: { numReplicas: 1000 } });
    world.stored = read;
    world.crash();
    expect(await world.model()).toMatchObject({ target_num_replicas: 1000, message: problem });
  });

  it("may have a target of its own that is out of them", () => {
    const world = new ControlledWorld(manifestOf({ Model: { autoscaling: { maxReplicas: 7 } } }));
    const { Model: model } = world.stored!.deployments;
    const stored = { ...world.stored!, deployments: { Model: { ...model!, target: 1e9 } } };
    expect(boundedState(stored, boundedConfig, () => {}).deployments["Model"]?.target).toBe(7);
  });
});
