import { describe, expect, it } from "vitest";
import { applicationMessage, applicationStatus, type StatusOfDeployment } from "../../../src/controller/application-status.ts";
import type { ApplicationStatus } from "../../../src/protocol/status.ts";

const ALL: ApplicationStatus[] = ["NOT_STARTED", "DEPLOYING", "RUNNING", "UNHEALTHY", "DEPLOY_FAILED", "DELETING"];

const of = (
  status: StatusOfDeployment["status"],
  trigger: StatusOfDeployment["trigger"] = "UNSPECIFIED",
  message = "",
): StatusOfDeployment => ({
  name: "Model",
  status,
  trigger,
  message,
});
const well = of("HEALTHY", "CONFIG_UPDATE_COMPLETED");

describe("an application's status", () => {
  it.each(ALL)("is DELETING once it is deleted, after %s", (before) => {
    expect(applicationStatus(before, true, [of("UNHEALTHY")])).toBe("DELETING");
  });

  it.each(ALL)("is RUNNING when all is well, after %s", (before) => {
    expect(applicationStatus(before, false, [well, well])).toBe("RUNNING");
    expect(applicationStatus(before, false, [])).toBe("RUNNING");
  });

  it("is DEPLOY_FAILED where something is sick before it has run, and UNHEALTHY afterwards", () => {
    for (const before of ["NOT_STARTED", "DEPLOYING", "DEPLOY_FAILED"] as const) {
      expect(applicationStatus(before, false, [well, of("UNHEALTHY")]), before).toBe("DEPLOY_FAILED");
    }
    for (const before of ["RUNNING", "UNHEALTHY"] as const) {
      expect(applicationStatus(before, false, [well, of("UNHEALTHY")]), before).toBe("UNHEALTHY");
      expect(applicationStatus(before, false, [well, of("DEPLOY_FAILED")]), before).toBe("DEPLOY_FAILED");
    }
  });

  it("is DEPLOYING while one updates or is scaled by hand, and RUNNING while the load scales it", () => {
    expect(applicationStatus("RUNNING", false, [well, of("UPDATING", "CONFIG_UPDATE_STARTED")])).toBe("DEPLOYING");
    expect(applicationStatus("RUNNING", false, [of("UPSCALING", "MANUAL_SCALING")])).toBe("DEPLOYING");
    expect(applicationStatus("RUNNING", false, [of("UPSCALING", "AUTOSCALING"), of("DOWNSCALING", "AUTOSCALING")])).toBe("RUNNING");
  });

  it("says what the sick ones say, and nothing of the others", () => {
    expect(
      applicationMessage([of("UNHEALTHY", "HEALTH_CHECK_FAILED", "ill"), well, { ...of("DEPLOY_FAILED"), name: "B", message: "no" }]),
    ).toBe('Deployment "Model": ill\nDeployment "B": no');
    expect(applicationMessage([well])).toBe("");
  });
});
