/**
 * Tasks and schedules on workerd: the objects, and the ways from and to them, wired together.
 *
 * Imported by the entry modules of systems that have a deployment with tasks or schedules, and by no others: what this imports is in
 * their bundles only.
 */
import { schedulesClass } from "./schedules.ts";
import { taskShardClass } from "./tasks.ts";
import type { ReplicaRpc } from "./replica.ts";
import { writeLog } from "../src/context/logger.ts";
import { sleep } from "../src/context/with-timeout.ts";
import { TASK_STYLE, taskSection } from "../src/operator/dashboard/tasks.ts";
import type { ObservedTasks } from "../src/operator/operator.ts";
import { answerTasks } from "../src/operator/operator-tasks.ts";
import { taskMetrics } from "../src/operator/task-metrics.ts";
import { encodeError } from "../src/protocol/error-codec.ts";
import type { ApplicationManifest, Jurisdiction } from "../src/protocol/manifest.ts";
import { classNameOf, SCHEDULES_CLASS, TASKS_CLASS } from "../src/protocol/names.ts";
import { DEFAULT_TASKS, type Schedule, type SchedulesRpc, type TaskPort, type TaskShardRpc } from "../src/protocol/tasks.ts";
import type { KeyedRouter } from "../src/router/keyed-router.ts";
import type { Router } from "../src/router/router.ts";
import { scheduleProblems } from "../src/tasks/check-schedules.ts";
import { TaskClient } from "../src/tasks/client.ts";
import { encodeArguments } from "../src/tasks/payload.ts";
import { refuseGenerator } from "../src/tasks/refuse-generator.ts";
import { Schedules } from "../src/tasks/schedules.ts";
import { RouterSender } from "../src/tasks/sender.ts";
import { TaskShard } from "../src/tasks/shard.ts";
import { newTaskId, placeOfShard, shardFor, shardName, type TaskAddress } from "../src/tasks/task-id.ts";
import { inTime } from "./control-plane.ts";
import { namespaceOf } from "./namespaces.ts";
import type { System } from "./system.ts";

/** How long the schedules wait for a shard. */
const STORE_MS = 30_000;

/** How many tasks the dashboard shows. */
const SHOWN = 50;

/** What a system with tasks has besides. */
export interface TaskSystem {
  readonly Tasks: ReturnType<typeof taskShardClass>;
  readonly Schedules: ReturnType<typeof schedulesClass>;
  /** What handles enqueue with. */
  readonly client: TaskPort;
  /** What `PUT` asks beyond the form of the options. */
  readonly check: typeof scheduleProblems;
  /** What should run has changed, or may have; `null` is a deleted application. Rejects if that could not be stored. */
  configured(app: string, revision: number, application: ApplicationManifest | null): Promise<void>;
  /** Wakes the schedules of every application. */
  wake(): Promise<void>;
  /** Answers an operator's request about tasks; `undefined` for any other path. */
  answer(request: Request, path: string, env: unknown): Promise<Response> | undefined;
  /** What is scraped of tasks, and what the dashboard shows of them. */
  readonly observed: ObservedTasks;
}

/** Switches tasks and schedules on: pass the result to `createWorker`. */
export function backgroundTasks(): (system: System) => TaskSystem {
  return (system) => {
    const apps = system.manifest.applications.map(({ name }) => name);
    const jurisdictionsOf = new Map(system.manifest.applications.map(({ name, deployments }) => [name, jurisdictionsIn(deployments)]));
    const shardOf: ShardOf = (address) =>
      namespaceOf<TaskShardRpc>(TASKS_CLASS, placeOfShard(address.shard)?.jurisdiction).getByName(shardName(address));
    const schedulesOf = (app: string) => namespaceOf<SchedulesRpc>(SCHEDULES_CLASS).getByName(app);
    const client = new TaskClient({
      shard: (address) => (apps.includes(address.app) ? shardOf(address) : undefined),
      jurisdictions: (app) => jurisdictionsOf.get(app) ?? {},
      check(call) {
        const bound = system.bound.get(`${call.app}/${call.deployment}`);
        if (bound !== undefined) refuseGenerator(bound.deployment, call);
      },
      now: Date.now,
      random: Math.random,
      sleep,
    });
    const sender = senderTo(system);
    return {
      client,
      check: scheduleProblems,
      Tasks: taskShardClass(
        (shell) =>
          new TaskShard({
            ...shell,
            sender,
            options: (deployment) => routerTo(system, shell.app, deployment)?.tasksConfig ?? DEFAULT_TASKS,
            warn: (deployment, message, fields) => writeLog("WARNING", message, fields, { app: shell.app, deployment }),
            now: Date.now,
            random: Math.random,
          }),
      ),
      Schedules: schedulesClass(
        (shell) =>
          new Schedules({
            ...shell,
            enqueue(name, schedule, atMs) {
              const { jurisdiction } = system.configOf(shell.app, schedule.deployment)?.placement ?? {};
              const address = { app: shell.app, shard: shardFor(name, Math.random, jurisdiction) };
              return inTime(enqueueScheduled(address, { name, schedule, atMs }, shardOf), STORE_MS);
            },
            warn: (deployment, message, fields) => writeLog("WARNING", message, fields, { app: shell.app, deployment }),
            now: Date.now,
          }),
      ),
      async configured(app, revision, application) {
        await schedulesOf(app).adopt(revision, schedulesIn(application));
        if (application === null) await client.cancelWaiting(app);
      },
      answer: (request, path, env) => answerTasks(request, path, env, { apps, client }),
      observed: {
        async metrics() {
          return taskMetrics(
            await Promise.all(
              system.manifest.applications.map(async ({ name: app, deployments }) => ({
                app,
                deployments: withTasks(deployments),
                parts: await client.counters(app),
              })),
            ),
          );
        },
        async shown() {
          const [{ tasks }, ...counters] = await Promise.all([
            client.list(apps, { limit: SHOWN }),
            ...apps.map((app) => client.counters(app)),
          ]);
          return { section: taskSection({ tasks, counters: counters.flat(), apps }), formStyle: TASK_STYLE };
        },
      },
      async wake() {
        await Promise.all(apps.map((app) => schedulesOf(app).upcoming()));
      },
    };
  };
}

// As compiled, as for the replicas: a document that would change it is refused.
function jurisdictionsIn(deployments: ApplicationManifest["deployments"]): Readonly<Record<string, Jurisdiction | undefined>> {
  return Object.fromEntries(Object.entries(deployments).map(([name, { placement }]) => [name, placement.jurisdiction]));
}

function withTasks(deployments: ApplicationManifest["deployments"]): string[] {
  return Object.entries(deployments).flatMap(([name, { tasks, schedules = [] }]) =>
    tasks === undefined && schedules.length === 0 ? [] : [name],
  );
}

function schedulesIn(application: ApplicationManifest | null): Schedule[] {
  return Object.entries(application?.deployments ?? {}).flatMap(([deployment, { schedules = [] }]) =>
    schedules.map((schedule) => ({ ...schedule, deployment })),
  );
}

interface Firing {
  readonly name: string;
  readonly schedule: Schedule;
  readonly atMs: number;
}

type ShardOf = (address: TaskAddress) => TaskShardRpc;

async function enqueueScheduled(address: TaskAddress, { name, schedule, atMs }: Firing, shardOf: ShardOf): Promise<void> {
  const { deployment, method, args = [] } = schedule;
  await shardOf(address).enqueue({
    id: newTaskId(address, Date.now(), Math.random),
    deployment,
    ...(method === undefined ? {} : { method }),
    arguments: await encodeArguments(args, `${deployment}.${method ?? "call"}`),
    schedule: { name, atMs },
  });
}

function senderTo(system: System): RouterSender {
  const replicaOf = ({ app, deployment }: { readonly app: string; readonly deployment: string }, name: string) => {
    const jurisdiction = system.configOf(app, deployment)?.placement.jurisdiction;
    return namespaceOf<ReplicaRpc>(classNameOf(app, deployment), jurisdiction).getByName(name);
  };
  return new RouterSender({
    routerTo: (app, deployment) => routerTo(system, app, deployment),
    // Of a deployment that this code does not have no replica runs any more.
    rejoin: async (request, { replica, delivery }) =>
      system.configOf(request.app, request.deployment) === undefined
        ? undefined
        : (await replicaOf(request, replica).rejoin(delivery))?.reply,
    async stop(request, { replica, delivery }, reason) {
      if (system.configOf(request.app, request.deployment) !== undefined)
        await replicaOf(request, replica).cancel(delivery, encodeError(reason));
    },
    requestId: () => crypto.randomUUID(),
  });
}

function routerTo(system: System, app: string, deployment: string): Router | KeyedRouter | undefined {
  const config = system.configOf(app, deployment);
  return config === undefined || config.inline === true ? undefined : system.router(app, deployment);
}
