import { describe, expect, it } from "vitest";
import { deployment } from "../../../src/api/deployment.ts";
import type { DeploymentOptions } from "../../../src/api/options.ts";
import { cronTriggers } from "../../../src/compile/cron-triggers.ts";
import { classNamesOf, entryModule } from "../../../src/compile/entry-module.ts";
import { describeCode } from "../../../src/compile/describe-code.ts";
import type { CheckTasks } from "../../../src/compile/manifest.ts";
import { documentInForce, planDocument } from "../../../src/operator/plan-document.ts";
import { DEFAULT_TASKS } from "../../../src/protocol/tasks.ts";
import { scheduleProblems } from "../../../src/tasks/check-schedules.ts";
import { expectMentions } from "../../support/mentions.ts";

class Orders {
  call() {}
}

function built(options: DeploymentOptions) {
  const code = { shop: deployment(Orders, options).bind() };
  const request = { applications: [{ name: "shop", routePrefix: "/", importPath: "src/app.ts:app", deployments: [] }] };
  return { code, result: describeCode(request, code, {}) };
}

function planned(options: DeploymentOptions, entry: object, checkTasks?: CheckTasks) {
  const { code, result } = built(options);
  if ("problems" in result) throw new Error(result.problems[0]!.message);
  const document = {
    applications: [{ name: "shop", route_prefix: "/", import_path: "src/app.ts:app", deployments: [{ name: "Orders", ...entry }] }],
  };
  return planDocument(document, { manifest: { ...result.manifest, version: "v" }, code, checkTasks });
}

const configOf = ({ applications }: ReturnType<typeof planned>) => applications?.[0]?.deployments["Orders"];

describe("tasks and schedules of a configuration", () => {
  it("are in no manifest that says nothing of them", () => {
    const { result } = built({});
    expect("manifest" in result && result.manifest.applications[0]!.deployments["Orders"]).not.toHaveProperty("tasks");
    expect("manifest" in result && result.manifest.applications[0]!.deployments["Orders"]).not.toHaveProperty("schedules");
  });

  it("are spelled as a config file spells options, in seconds", () => {
    const entry = {
      tasks: { max_attempts: 7, backoff_s: 0.5, max_backoff_s: 60, timeout_s: 30, retention_s: 31_536_000 },
      schedules: [{ cron: "*/5 * * * *", method: "sweep", args: [1], timezone: "Europe/Berlin" }],
    };
    const plan = planned({ tasks: {} }, entry, scheduleProblems);
    expect(plan.diagnostics).toEqual([]);
    expect(configOf(plan)).toMatchObject({
      tasks: { maxAttempts: 7, backoffMs: 500, maxBackoffMs: 60_000, timeoutMs: 30_000, retentionMs: 31_536_000_000 },
      schedules: [{ cron: "*/5 * * * *", method: "sweep", args: [1], timezone: "Europe/Berlin" }],
    });
  });

  it("go before the code's, option by option", () => {
    const plan = planned({ tasks: { maxAttempts: 9, backoffMs: 5 } }, { tasks: { backoff_s: 1 } }, scheduleProblems);
    expect(configOf(plan)?.tasks).toEqual({ ...DEFAULT_TASKS, maxAttempts: 9, backoffMs: 1000 });
  });

  it("are in the document in force", () => {
    const { code, result } = built({ tasks: { maxAttempts: 4 }, schedules: [{ cron: "@hourly" }] });
    if ("problems" in result) throw new Error("It does not compile.");
    const document = documentInForce(result.manifest.applications, code);
    const again = planDocument(document, { manifest: { ...result.manifest, version: "v" }, code, checkTasks: scheduleProblems });
    expect(again.applications).toEqual(result.manifest.applications);
  });

  it.each([
    [{ tasks: { retention_s: 31_536_001 } }, ["retention_s", "31536000"]],
    [{ tasks: { max_attempts: 101 } }, ["max_attempts", "100"]],
    [{ schedules: [{ cron: "never" }] }, ["schedules", "cron", '"never"']],
    [{ schedules: [{ cron: "0 0 30 2 *" }] }, ["schedules", "cron", "eight"]],
    [{ schedules: [{ cron: "@hourly", timezone: "Mars/Base" }] }, ["timezone", "Mars/Base"]],
  ])("are refused where they are wrong: %j", (entry, mentioned) => {
    const plan = planned({ tasks: {} }, entry, scheduleProblems);
    expect(plan.applications).toBeUndefined();
    expectMentions(plan.diagnostics.map(({ path, message }) => `${path} ${message}`).join("\n"), ...mentioned);
  });

  it("that have no time are refused by a build, in the code's words", () => {
    const { result } = built({ schedules: [{ cron: "@hourly" }, { cron: "0 0 31 2 *" }] });
    expectMentions("problems" in result ? result.problems[0]!.message : undefined, '"shop"', '"Orders"', "schedules.1.cron", "eight");
  });

  it.each([{ tasks: {} }, { schedules: [{ cron: "@hourly" }] }])("take a deploy where there were none: %j", (entry) => {
    const plan = planned({}, entry);
    expect(plan.applications).toBeUndefined();
    expectMentions(plan.diagnostics[0]!.message, Object.keys(entry)[0]!, "deploy");
  });
});

describe("the entry module", () => {
  const entry = (options: DeploymentOptions, retired: readonly string[] = []) => {
    const { result } = built(options);
    if ("problems" in result) throw new Error("It does not compile.");
    const manifest = { ...result.manifest, version: "v" };
    const sources = { shop: { specifier: "../src/app.ts", exportName: "app" } };
    return { text: entryModule({ target: "src/app.ts:app", manifest, sources, retired }), classes: classNamesOf(manifest) };
  };
  const TASK_CLASSES = ["EdgeServeTasks", "EdgeServeSchedules"];

  it.each([{ tasks: {} }, { schedules: [{ cron: "@hourly" }] }])("has the classes of tasks and schedules with %j", (options) => {
    const { text, classes } = entry(options);
    for (const name of TASK_CLASSES) expect(text).toContain(`class ${name} extends worker.`);
    expectMentions(text, "backgroundTasks");
    expect(classes).toEqual(expect.arrayContaining(TASK_CLASSES));
  });

  it.each([{}, { schedules: [] }])("has nothing of them with %j", (options) => {
    const { text, classes } = entry(options);
    expect(text).not.toMatch(/Tasks|Schedules/);
    expect(classes).not.toEqual(expect.arrayContaining([TASK_CLASSES[0]]));
  });

  it("goes on with what was enqueued before the option went", () => {
    const { text } = entry({}, TASK_CLASSES);
    expectMentions(
      text,
      "backgroundTasks",
      "class EdgeServeTasks extends worker.Tasks",
      "class EdgeServeSchedules extends worker.Schedules",
    );
    expect(text.match(/class EdgeServeTasks/g)).toHaveLength(1);
  });
});

describe("the cron trigger", () => {
  const manifestOf = (options: DeploymentOptions) => {
    const { result } = built(options);
    if ("problems" in result) throw new Error("It does not compile.");
    return result.manifest;
  };
  const SCHEDULES = { schedules: [{ cron: "@hourly" }] };

  it.each([
    { name: "is there with schedules", options: SCHEDULES, triggers: { crons: ["*/30 * * * *"] } },
    {
      name: "is beside the user's own",
      users: { crons: ["0 3 * * *"] },
      options: SCHEDULES,
      triggers: { crons: ["0 3 * * *", "*/30 * * * *"] },
    },
    {
      name: "is there once where the user has the same",
      users: { crons: ["*/30 * * * *"] },
      options: SCHEDULES,
      triggers: { crons: ["*/30 * * * *"] },
    },
    { name: "is not there for tasks alone", options: { tasks: {} }, triggers: undefined },
    { name: "leaves the user's as they are", users: { crons: ["0 3 * * *"] }, options: {}, triggers: { crons: ["0 3 * * *"] } },
    { name: "is taken away once the last schedule is gone", options: {}, hadSchedules: true, triggers: { crons: [] } },
  ])("$name", ({ users, options, hadSchedules = false, triggers }) => {
    expect(cronTriggers(users, manifestOf(options), hadSchedules)).toEqual(triggers);
  });
});
