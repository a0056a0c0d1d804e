import { describe, expect, it } from "vitest";
import { formatPath } from "../../../src/config/diagnostics.ts";
import { segmentsOf } from "../../../src/cli/commands/apply.ts";
import { OperatorFailure, refusalOf } from "../../../src/cli/operator/client.ts";
import { statusTable } from "../../../src/cli/operator/status-table.ts";
import { timeoutOf, waitForRunning } from "../../../src/cli/operator/wait.ts";
import type { ApplicationDetails, ApplicationStatus, DeploymentDetails, StatusDocument } from "../../../src/protocol/status.ts";

const deployment = (name: string, more: Partial<DeploymentDetails> = {}): DeploymentDetails => ({
  name,
  status: "HEALTHY",
  status_trigger: "CONFIG_UPDATE_COMPLETED",
  message: "",
  target_num_replicas: 1,
  replica_states: { RUNNING: 1 },
  replicas: [],
  epoch: 1,
  ...more,
});

const application = (
  name: string,
  status: ApplicationStatus,
  deployments: readonly DeploymentDetails[],
  version = "v1",
): ApplicationDetails => ({
  name,
  status,
  message: "",
  route_prefix: `/${name}`,
  last_deployed_time_s: 0,
  version,
  ingress: deployments[0]?.name ?? "",
  deployments: Object.fromEntries(deployments.map((one) => [one.name, one])),
});

const SICK = deployment("Model", {
  status: "UNHEALTHY",
  status_trigger: "RECONFIGURE_FAILED",
  message: "Error: no such threshold\nat Model",
  target_num_replicas: 3,
  replica_states: { RUNNING: 1, STARTING: 2 },
});

describe("statusTable", () => {
  it("shows applications, their deployments, and what the sick ones say", () => {
    const main = application("main", "UNHEALTHY", [deployment("Front"), SICK]);
    expect(statusTable([main, { ...application("quiet", "RUNNING", []), route_prefix: null }]))
      .toBe(`NAME     STATUS     ROUTE      REPLICAS
main     UNHEALTHY  /main
  Front  HEALTHY               1/1
  Model  UNHEALTHY             1/3, 2 STARTING
quiet    RUNNING    (no HTTP)

Application "main", deployment "Model" is UNHEALTHY (RECONFIGURE_FAILED):
  Error: no such threshold
  at Model`);
  });
});

describe("statusTable of a system with routes", () => {
  it("shows the shares of each, and why they are so", () => {
    const route = { state: "PROGRESSING", split: { v1: 95, v2: 5 }, percent: 5, reason: "Step 1 of 2: 3 of 50.", since_s: 1 } as const;
    expect(statusTable([application("v1", "RUNNING", [])], { "/search": route, "/": { ...route, state: "SPLIT" } }))
      .toBe(`NAME  STATUS   ROUTE  REPLICAS
v1    RUNNING  /v1

PREFIX   STATE        SHARES           REASON
/search  PROGRESSING  v1 95 %, v2 5 %  Step 1 of 2: 3 of 50.
/        SPLIT        v1 95 %, v2 5 %  Step 1 of 2: 3 of 50.`);
  });
});

describe("segmentsOf", () => {
  it.each([[[]], [["applications", 0, "deployments", 12, "user_config", "a b", 'quo"te', "x-y"]], [["a]b", "0"]]])(
    "reads %j back",
    (segments) => {
      expect(segmentsOf(formatPath(segments))).toEqual(segments);
    },
  );
});

describe("timeoutOf", () => {
  it("is 600 seconds by default, and takes no nonsense", () => {
    expect([timeoutOf(undefined), timeoutOf("1.5")]).toEqual([600_000, 1500]);
    for (const text of ["0", "-1", "soon", ""]) expect(() => timeoutOf(text)).toThrow("--timeout must be a number of seconds above 0");
  });
});

describe("refusalOf", () => {
  it.each([
    [403, { message: "This system has no token configured, so nobody may do this." }, /has no token.*wrangler secret put EDGE_SERVE_TOKEN/],
    [403, { message: "That is not the token." }, /EDGE_SERVE_TOKEN .* https:\/\/a\.example/],
    [403, { message: "<html>Access denied" }, /refused GET \/x with 403: <html>Access denied\..*let the header Authorization pass/],
    [503, { message: "A controller could not be reached." }, /^A controller could not be reached\.$/],
    [404, undefined, /answered GET \/x with 404, and not as an operator's API does/],
    [200, undefined, /answered GET \/x with 200, and not as/],
  ])("makes a sentence of %i %j", (status, body, message) => {
    expect(refusalOf({ origin: "https://a.example", request: "GET /x", status, body }).message).toMatch(message);
  });
});

/** Answers with one of the steps after the other, then with the last one. */
function scripted(...steps: (readonly ApplicationDetails[] | Error)[]): { status(): Promise<StatusDocument> } {
  return {
    async status() {
      const step = (steps.length > 1 ? steps.shift() : steps[0])!;
      if (step instanceof Error) throw step;
      return { applications: Object.fromEntries(step.map((one) => [one.name, one])), routes: {} };
    },
  };
}

describe("waitForRunning", () => {
  const wait = async (client: { status(): Promise<StatusDocument> }, more: { version?: string; timeoutMs?: number } = {}) => {
    let said = "";
    const io = { out: () => {}, err: (text: string) => void (said += text), cwd: "/", env: {}, signal: AbortSignal.timeout(20_000) };
    const failure = await waitForRunning(client, { apps: ["main"], timeoutMs: 10_000, intervalMs: 1, ...more }, io).then(
      () => undefined,
      (error: Error) => error.message,
    );
    return { said, failure };
  };
  const running = application("main", "RUNNING", [deployment("Model")]);

  it("goes on through what passes, and says each change once", async () => {
    const unreachable = new OperatorFailure("It cannot be reached.", true);
    const old = application("main", "RUNNING", [deployment("Model")], "v0");
    const deploying = application("main", "DEPLOYING", [deployment("Model", { replica_states: { STARTING: 1 } })]);
    expect(await wait(scripted(unreachable, [], [old], [deploying], [deploying], [running]), { version: "v1" })).toEqual({
      failure: undefined,
      said: `main: It cannot be reached.
main: not there yet
main: still version v0
main: DEPLOYING (Model 0/1, 1 STARTING)
main: RUNNING (Model 1/1)
`,
    });
  });

  it("ends with the messages where an application has failed", async () => {
    const failed = application("main", "DEPLOY_FAILED", [{ ...SICK, status: "DEPLOY_FAILED", status_trigger: "REPLICA_STARTUP_FAILED" }]);
    expect((await wait(scripted([failed]))).failure).toBe(`Application "main" is DEPLOY_FAILED.
Application "main", deployment "Model" is DEPLOY_FAILED (REPLICA_STARTUP_FAILED):
  Error: no such threshold
  at Model`);
    expect((await wait(scripted([application("main", "UNHEALTHY", [SICK])]))).failure).toContain('"main" is UNHEALTHY.');
  });

  it("goes on where a sick deployment gets well by itself", async () => {
    const ill = application("main", "UNHEALTHY", [{ ...SICK, status_trigger: "HEALTH_CHECK_FAILED" }]);
    expect((await wait(scripted([ill], [running]))).failure).toBeUndefined();
  });

  it("ends at the timeout with what is left", async () => {
    const { failure } = await wait(scripted([]), { timeoutMs: 1 });
    expect(failure).toContain("Not everything is RUNNING after 0.001 s:\n  main: not there yet\n");
  });

  it("ends at once where it may not ask", async () => {
    expect((await wait(scripted(new OperatorFailure("That is not the token.", false)))).failure).toBe("That is not the token.");
  });
});
