/**
 * The controllers, the operator's configuration, and the ways to them, wired together on workerd.
 *
 * Owns: which object is asked. Does not own: what is decided (controller/), or when it is asked (replica/, ingress/).
 */
import { show } from "../src/protocol/wording.ts";
import { configStoreClass } from "./config-store.ts";
import { controllerClass } from "./controller.ts";
import type { ReplicaRpc } from "./replica.ts";
import type { AnyApplication } from "../src/api/application.ts";
import { boundedConfig } from "../src/api/bounded-config.ts";
import { documentInForce, planDocument } from "../src/operator/plan-document.ts";
import { writeLog } from "../src/context/logger.ts";
import { sleep } from "../src/context/with-timeout.ts";
import { ConfigStore, type ConfigStoreRpc } from "../src/controller/config-store.ts";
import { Controller } from "../src/controller/controller.ts";
import type { Order } from "../src/controller/orders.ts";
import { policiesOf } from "../src/controller/policies.ts";
import { type Bounds, boundedState, boundedStore, type OnProblem } from "../src/controller/stored-bounds.ts";
import type { ControlQueries } from "../src/ingress/ingress.ts";
import type { OperatorPorts } from "../src/operator/operator.ts";
import type { PolicyCode } from "../src/protocol/autoscaling.ts";
import type { Assignment, ControllerRpc, OrderOutcome, ReplicaReport } from "../src/protocol/control.ts";
import type { ApplicationManifest, Manifest } from "../src/protocol/manifest.ts";
import type { UserCounts } from "../src/protocol/metrics.ts";
import { classNameOf, CONFIG_CLASS, CONTROLLER_CLASS } from "../src/protocol/names.ts";
import type { ApplicationDetails } from "../src/protocol/status.ts";
import { type Namespace, namespaceOf } from "./namespaces.ts";
import type { TaskSystem } from "./background-tasks.ts";

/** What the control plane is wired from. */
export interface ControlPlaneParts {
  readonly manifest: Manifest;
  readonly code: Readonly<Record<string, unknown>>;
  /** What each `policy_function` of the configuration names, by `policyKey`. */
  readonly policies: PolicyCode;
  /** A bound deployment, by `<application>/<deployment>`. */
  readonly bound: ReadonlyMap<string, AnyApplication>;
  /** Missing where no deployment has tasks or schedules. */
  readonly tasks: TaskSystem | undefined;
}

/** The one object that holds the operator's configuration. */
const STORE = "system";

/** The way to an application's controller. */
export function controllerOf(app: string): ControllerRpc {
  return namespaceOf<ControllerRpc>(CONTROLLER_CLASS).getByName(app);
}

function storeOf(): ConfigStoreRpc {
  return namespaceOf<ConfigStoreRpc>(CONFIG_CLASS).getByName(STORE);
}

/** The classes of the control plane. */
export function controlPlaneClasses({ manifest, bound, policies, tasks }: ControlPlaneParts): {
  Controller: ReturnType<typeof controllerClass>;
  Config: ReturnType<typeof configStoreClass>;
} {
  const { version } = manifest;
  return {
    Controller: controllerClass((shell) => {
      const application = manifest.applications.find(({ name }) => name === shell.app) ?? null;
      return new Controller({
        ...shell,
        load: () => onLoad(shell.load(), boundedState),
        compiled: { version, application },
        policies: policiesOf(shell.app, bound, policies),
        failed: (error) => console.error(error),
        warn: (deployment, message) => writeLog("WARNING", message, undefined, { app: shell.app, deployment }),
        ...(tasks === undefined
          ? {}
          : { configured: (revision, desired) => inTime(tasks.configured(shell.app, revision, desired), DELIVERY_MS) }),
        give: (order) => give(shell.app, order),
        counted: (counts) => inTime(storeOf().counted({ source: "controller", run: 0, application: shell.app, counts })),
        moved: (to) => inTime(storeOf().moved(to, shell.app), DELIVERY_MS),
        sleep,
        now: Date.now,
      });
    }),
    Config: configStoreClass(
      (shell) =>
        new ConfigStore({
          ...shell,
          load: () => onLoad(shell.load(), boundedStore),
          compiled: manifest,
          deliver: (app, change) => inTime(controllerOf(app).adopt(change), DELIVERY_MS),
          now: Date.now,
        }),
    ),
  };
}

/** Where isolates tell what code outside of replicas has counted. */
export function tellCounts(counts: UserCounts): Promise<void> {
  return inTime(storeOf().measured(counts));
}

// The isolate that took a document obeys it at once: limits and deadlines hold from the first request after the answer.
// Others hear of it with what their next requests are answered, as this one does of what was put elsewhere.
async function teach(applications: readonly ApplicationManifest[], version: string, learn: Learn): Promise<void> {
  const all = applications.flatMap(({ name: app, deployments }) =>
    Object.keys(deployments).map(async (deployment) => {
      const assignment = await inForce(app, deployment, { version, epoch: -1 });
      if (assignment !== undefined) learn(app, deployment, assignment);
    }),
  );
  await Promise.allSettled(all);
}

/** Asks what is in force for a deployment. @param known What whoever asks knows, and has counted of one that runs inline in it. */
export function inForce(
  app: string,
  deployment: string,
  known: Pick<ReplicaReport, "version" | "epoch" | "metrics">,
): Promise<Assignment | undefined> {
  // A report of nobody: it changes nothing, and is answered with what is in force.
  return inTime(controllerOf(app).report({ ...known, deployment, replica: "", event: { kind: "alive" } }));
}

// Logged once an isolate: a store reads what it has stored again and again.
const told = new Set<string>();

function onLoad<T>(stored: T | undefined, bounded: (stored: T, bounds: Bounds, onProblem: OnProblem) => T): T | undefined {
  return stored === undefined ? undefined : bounded(stored, boundedConfig, tell);
}

function tell(app: string, deployment: string, problem: string): void {
  const key = `${app}/${deployment}: ${problem}`;
  if (told.has(key)) return;
  told.add(key);
  writeLog("ERROR", problem, undefined, { app, deployment });
}

/** Takes what is in force for the callers of this isolate. */
export type Learn = (app: string, deployment: string, assignment: Assignment) => void;

/** What the operator's API acts on. */
export function operatorPorts({ manifest, code, policies, tasks }: ControlPlaneParts, learn: Learn): OperatorPorts {
  const { version } = manifest;
  return {
    tasks: tasks?.observed,
    plan: (document) => planDocument(document, { manifest, code, policies, checkTasks: tasks?.check }),
    async put(applications, routes) {
      const revision = await storeOf().put(version, applications, routes);
      await teach(applications, version, learn);
      return revision;
    },
    remove: (app) => storeOf().remove(version, app),
    async config() {
      const [current, { configs }] = await Promise.all([storeOf().current(), storeOf().routes()]);
      const applications = Object.values(current).filter((application) => application !== null);
      return documentInForce(applications, code, configs);
    },
    routes: () => storeOf().routes(),
    order: (order) => storeOf().order(order),
    async details() {
      const all = await Promise.all(manifest.applications.map(({ name }) => controllerOf(name).status()));
      return all.filter((details) => details !== undefined);
    },
    async scrape(withHistory) {
      const all = manifest.applications.map(async ({ name: app }) => {
        try {
          // Deleted: known, and nothing to tell.
          const metrics = await inTime(controllerOf(app).metrics(withHistory));
          return metrics === undefined ? [] : [{ app, metrics }];
        } catch (error) {
          console.error(error);
          return [{ app, metrics: undefined }];
        }
      });
      return (await Promise.all(all)).flat();
    },
    async scale(app, deployment, replicas) {
      const isKnown = manifest.applications.some(({ name }) => name === app);
      return isKnown ? controllerOf(app).scale(deployment, replicas) : `There is no application ${show(app)}.`;
    },
  };
}

/** What the ingress asks. Controllers that do not answer say nothing against serving. */
export function controlQueries({ manifest }: ControlPlaneParts): ControlQueries {
  return {
    traffic: (query) => inTime(storeOf().traffic(query)),
    async unready() {
      const all = manifest.applications.map(async ({ name }) => unreadiness(await inTime(controllerOf(name).status(SETTLE_MS))));
      const settled = await Promise.allSettled(all);
      return settled.flatMap((one) => (one.status === "fulfilled" && one.value !== undefined ? [one.value] : []));
    },
  };
}

/** How long a health probe waits for an application that is starting, and anything waits for a controller. */
const SETTLE_MS = 1500;
const ANSWER_MS = 2000;

/** How long one object of the control plane waits for another. */
const DELIVERY_MS = 10_000;

/** Rejects when there is no answer in time. */
export async function inTime<T>(answer: Promise<T>, withinMs = ANSWER_MS): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error("A controller, or another object of the system, does not answer.")), withinMs);
  try {
    return await Promise.race([answer, promise]);
  } finally {
    clearTimeout(timer);
  }
}

// An application that is being changed serves on; one is ready when each deployment has replicas to serve with.
function unreadiness(details: ApplicationDetails | undefined): string | undefined {
  if (details === undefined || details.status === "DELETING") return undefined;
  const isReady = Object.values(details.deployments).every(
    ({ replica_states, target_num_replicas: target }) => target === null || target === 0 || (replica_states.RUNNING ?? 0) > 0,
  );
  return isReady ? undefined : `Application ${show(details.name)} is ${details.status}.`;
}

// A new stub for every order: one that has failed stays failed.
function give(app: string, { deployment, replica, isStart, assignment }: Order): Promise<OrderOutcome> {
  const { placement } = assignment.config;
  const namespace: Namespace<ReplicaRpc> = namespaceOf(classNameOf(app, deployment), placement.jurisdiction);
  const { name, locationHint } = replica;
  return namespace.getByName(name, locationHint === undefined ? {} : { locationHint }).assign(assignment, isStart);
}
