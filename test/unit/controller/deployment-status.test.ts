import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DEPLOYMENT_MOVES, type DeploymentEvent, move, type StatusHolder } from "../../../src/controller/deployment-status.ts";
import type { DeploymentStatus } from "../../../src/protocol/status.ts";

const STATES = Object.keys(DEPLOYMENT_MOVES) as DeploymentStatus[];
const EVENTS: DeploymentEvent[] = [
  "CONFIG_UPDATE",
  "DELETE",
  "HEALTHY",
  "AUTOSCALE_UP",
  "AUTOSCALE_DOWN",
  "MANUAL_UP",
  "MANUAL_DOWN",
  "REPLICA_STARTUP_FAILED",
  "HEALTH_CHECK_FAILED",
  "RECONFIGURE_FAILED",
];
const after = (status: DeploymentStatus, event: DeploymentEvent): string => {
  const holder: StatusHolder = { status, trigger: "UNSPECIFIED", message: "", isChanged: false };
  move(holder, event);
  return holder.status;
};

describe("a deployment's status", () => {
  it.each([
    ["CONFIG_UPDATE", STATES, "UPDATING"],
    ["DELETE", STATES, "UPDATING"],
    ["RECONFIGURE_FAILED", STATES, "UNHEALTHY"],
    ["HEALTHY", STATES, "HEALTHY"],
    ["HEALTH_CHECK_FAILED", ["UPDATING"], "DEPLOY_FAILED"],
    ["REPLICA_STARTUP_FAILED", ["UPDATING"], "DEPLOY_FAILED"],
    ["HEALTH_CHECK_FAILED", ["HEALTHY", "UPSCALING", "DOWNSCALING"], "UNHEALTHY"],
    ["REPLICA_STARTUP_FAILED", ["HEALTHY", "UPSCALING", "DOWNSCALING"], "UNHEALTHY"],
    ["MANUAL_UP", ["HEALTHY", "UPSCALING", "DOWNSCALING"], "UPSCALING"],
    ["MANUAL_DOWN", ["HEALTHY", "UPSCALING", "DOWNSCALING"], "DOWNSCALING"],
    ["AUTOSCALE_UP", ["HEALTHY", "UPSCALING", "DOWNSCALING", "UPDATING"], "UPSCALING"],
    ["AUTOSCALE_DOWN", ["HEALTHY", "UPSCALING", "DOWNSCALING", "UPDATING"], "DOWNSCALING"],
  ] as const)("after %s, from %o, is %s", (event, from, to) => {
    for (const status of from) expect(after(status, event), status).toBe(to);
  });

  it.each(["UNHEALTHY", "DEPLOY_FAILED"] as const)("stays %s, and keeps its message, whatever it is scaled to", (status) => {
    for (const event of ["MANUAL_UP", "MANUAL_DOWN", "AUTOSCALE_UP", "AUTOSCALE_DOWN"] as const) {
      const holder: StatusHolder = { status, trigger: "HEALTH_CHECK_FAILED", message: "ill", isChanged: false };
      move(holder, event, "Upscaling from 1 to 2 replicas.");
      expect(holder).toEqual({ status, trigger: "HEALTH_CHECK_FAILED", message: "ill", isChanged: false });
    }
  });

  it("of one that is being taken away changes only when it is wanted again", () => {
    for (const event of EVENTS) {
      const holder: StatusHolder = { status: "UPDATING", trigger: "DELETING", message: "", isChanged: false };
      move(holder, event);
      expect(holder.trigger, event).toBe(event === "CONFIG_UPDATE" ? "CONFIG_UPDATE_STARTED" : "DELETING");
    }
  });

  it("can always become HEALTHY, whatever has happened", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...EVENTS.filter((event) => event !== "DELETE"))), (events) => {
        const holder: StatusHolder = { status: "UPDATING", trigger: "CONFIG_UPDATE_STARTED", message: "", isChanged: false };
        for (const event of events) move(holder, event);
        const isWell = holder.status === "HEALTHY";
        move(holder, "HEALTHY");
        expect(holder.status).toBe("HEALTHY");
        if (!isWell) expect(holder.message).toBe("");
      }),
    );
  });

  it("says what completed", () => {
    const holder: StatusHolder = { status: "UPDATING", trigger: "CONFIG_UPDATE_STARTED", message: "", isChanged: false };
    const triggers = (["HEALTHY", "MANUAL_UP", "HEALTHY", "MANUAL_DOWN", "HEALTHY", "HEALTH_CHECK_FAILED", "HEALTHY"] as const).map(
      (event) => {
        move(holder, event);
        return holder.trigger;
      },
    );
    expect(triggers).toEqual([
      "CONFIG_UPDATE_COMPLETED",
      "MANUAL_SCALING",
      "UPSCALE_COMPLETED",
      "MANUAL_SCALING",
      "DOWNSCALE_COMPLETED",
      "HEALTH_CHECK_FAILED",
      "UNSPECIFIED",
    ]);
  });
});
