/**
 * The operator's API: what runs, and what should.
 *
 * Owns: paths, methods, who may, how much may be sent, what is said when something is wrong.
 * Does not own: what a document means (`plan`), and what follows from it (the controllers).
 *
 * Invariants:
 *   O1. Nothing is done, and nothing about the system is said, without the token.
 *   O2. An answer never holds what was thrown inside edge-serve, nor a stack of it. The only stacks are those of what the application's own
 *       class threw when it was started, configured or checked, with the deployment that failed of it.
 */
import type { IRequest } from "itty-router";
import { IttyRouter } from "itty-router/IttyRouter";
import { dashboardPage, type TasksShown } from "./dashboard/page.ts";
import type { UserSource } from "./user-families.ts";
import { NO_ROUTES, type RoutesView } from "./dashboard/routes.ts";
import { pageResponse } from "./dashboard/shell.ts";
import { EXPOSITION_TYPE } from "./exposition.ts";
import { type Scraped, systemMetrics } from "./system-metrics.ts";
import type { ApplicationManifest } from "../protocol/manifest.ts";
import { MAX_REPLICAS } from "../protocol/limits.ts";
import { NAME_PATTERN } from "../protocol/names.ts";
import { isRecord, own } from "../protocol/own.ts";
import type { ApplicationDetails, StatusDocument } from "../protocol/status.ts";
import type { RouteConfig } from "../protocol/traffic.ts";
import { show } from "../protocol/wording.ts";
import type { ShadowCount } from "../traffic/shadow.ts";
import type { Order } from "../traffic/state.ts";
import { readText } from "./body.ts";
import { authorize } from "./token.ts";

/** One thing that is wrong with a document, or to be said about it. */
export interface DocumentDiagnostic {
  readonly severity: "error" | "warning";
  readonly path: string;
  readonly message: string;
}

/** What a document comes to: what should run, or nothing because of an error. */
export interface Plan {
  readonly applications?: readonly ApplicationManifest[];
  readonly routes?: readonly RouteConfig[];
  readonly diagnostics: readonly DocumentDiagnostic[];
}

/** What there is to see of tasks. */
export interface ObservedTasks {
  /** Prometheus text. */
  metrics(): Promise<string>;
  /** Of the dashboard. */
  shown(): Promise<TasksShown>;
}

/** What is shown of the prefixes that several applications share, by prefix. */
export interface RoutesShown extends RoutesView {
  readonly shadows: readonly ShadowCount[];
  /** What code of the Worker has counted outside of replicas. */
  readonly worker?: UserSource["metrics"];
}

/** What the API acts on. */
export interface OperatorPorts {
  /** Checks a document against the deployed code. */
  plan(document: unknown): Plan;
  /** Puts what should run in place of all that was. Resolves once it is stored for good. */
  put(applications: readonly ApplicationManifest[], routes: readonly RouteConfig[]): Promise<number>;
  /** Deletes an application; `false` when there is none of that name, and the prefixes of the routes that name it if there are any. */
  remove(app: string): Promise<boolean | readonly string[]>;
  /** The prefixes that several applications share. */
  routes(): Promise<RoutesShown>;
  /** Ends a canary; `false` if the prefix has none. */
  order(order: Order): Promise<boolean>;
  /** The document that comes to what should run. */
  config(): Promise<unknown>;
  /** All applications that there are, or were until they are gone. */
  details(): Promise<readonly ApplicationDetails[]>;
  /** What controllers know, and what replicas have measured; with `withHistory`, also of the last hour. Of an application whose controller does not answer, the name. */
  scrape(withHistory?: boolean): Promise<readonly Scraped[]>;
  /** Missing where no deployment has any. */
  readonly tasks?: ObservedTasks | undefined;
  /** Sets a number of replicas; what is wrong with that, in a sentence. */
  scale(app: string, deployment: string, replicas: number): Promise<string | undefined>;
}

/** The secret that operators present as a bearer token. */
export const OPERATOR_TOKEN = "EDGE_SERVE_TOKEN";

const PREFIX = "/-/api/";
/** The path of the dashboard. */
export const DASHBOARD = "/-/dashboard";
/** A document is a few kilobytes; this is far more than any. */
const MAX_BODY_BYTES = 1024 * 1024;
const MAX_DIAGNOSTICS = 1000;
const TARGET = "target_num_replicas";

/** What is shown of routes where it is not known, beside what is. */
const UNKNOWN_ROUTES: RoutesShown = { ...NO_ROUTES, shadows: [] };

type Handle = (request: IRequest, ports: OperatorPorts) => Promise<Response>;

const router = IttyRouter<IRequest, [OperatorPorts], Response | undefined>()
  .get(DASHBOARD, guarded(getDashboard))
  .get(`${PREFIX}metrics`, guarded(getMetrics))
  .get(`${PREFIX}config`, guarded(getConfig))
  .get(`${PREFIX}applications`, guarded(getApplications))
  .put(`${PREFIX}applications`, guarded(putApplications))
  .get(`${PREFIX}applications/:app`, guarded(getApplication))
  .delete(`${PREFIX}applications/:app`, guarded(deleteApplication))
  .post(`${PREFIX}applications/:app/deployments/:deployment/scale`, guarded(scaleDeployment))
  .post(
    `${PREFIX}routes/promote`,
    guarded((request, ports) => endCanary("promote", request, ports)),
  )
  .post(
    `${PREFIX}routes/rollback`,
    guarded((request, ports) => endCanary("rollback", request, ports)),
  );

/** Answers requests under `/-/api/`, and for the dashboard; `undefined` for any other path. */
export function answerOperator(request: Request, path: string, env: unknown, ports: OperatorPorts): Promise<Response> | undefined {
  return path.startsWith(PREFIX) || path === DASHBOARD ? answer(request, path, env, ports) : undefined;
}

async function answer(request: Request, path: string, env: unknown, ports: OperatorPorts): Promise<Response> {
  const refusal = await authorize(request, (env as Record<string, unknown> | undefined)?.[OPERATOR_TOKEN]);
  if (refusal !== undefined) return refusal;
  if (request.method !== "HEAD") return (await router.fetch(request, ports)) ?? withoutRoute(request.method, path);
  const { status, headers } = (await router.fetch({ method: "GET", url: request.url }, ports)) ?? withoutRoute("HEAD", path);
  return new Response(null, { status, headers });
}

// A name that nothing can have names nothing: the path has no route then.
function guarded(handle: Handle): (request: IRequest, ports: OperatorPorts) => Promise<Response> | undefined {
  return (request, ports) => (areNames(request.params) ? attempt(() => handle(request, ports)) : undefined);
}

function areNames(params: Readonly<Record<string, string>>): boolean {
  return Object.values(params).every((name) => NAME_PATTERN.test(name));
}

function withoutRoute(method: string, path: string): Response {
  const allowed = router.routes.flatMap(([possible, pattern]) => {
    const match = pattern.exec(path);
    return match !== null && areNames(match.groups ?? {}) ? [possible] : [];
  });
  if (allowed.length === 0) {
    return problem(404, `The operator's API has nothing at ${show(path)}. It has: GET and PUT ${PREFIX}applications.`);
  }
  const allow = allowed.join(", ");
  if (method === "OPTIONS") return new Response(null, { status: 204, headers: { allow } });
  return problem(405, `Method not allowed; use ${allowed.join(" or ")}.`, { allow });
}

// What a controller throws is for the log: the operator is told that it did not answer, and what that means.
async function attempt(act: () => Promise<Response>): Promise<Response> {
  try {
    return await act();
  } catch (error) {
    console.error(error);
    return problem(503, "A controller could not be reached. No change was confirmed; applications keep running. Try again.");
  }
}

async function getApplications(_: IRequest, ports: OperatorPorts): Promise<Response> {
  const [details, { status }] = await Promise.all([ports.details(), ports.routes()]);
  const applications = Object.fromEntries(details.map((one) => [one.name, one]));
  const document: StatusDocument = { applications, routes: status };
  return Response.json(document);
}

async function getMetrics(_: IRequest, ports: OperatorPorts): Promise<Response> {
  const [scraped, { shadows, worker }, ofTasks = ""] = await Promise.all([
    ports.scrape(),
    ports.routes().catch(() => UNKNOWN_ROUTES),
    seen(ports.tasks?.metrics()),
  ]);
  return new Response(systemMetrics(scraped, shadows, worker) + ofTasks, { headers: { "content-type": EXPOSITION_TYPE } });
}

async function getDashboard(_: IRequest, ports: OperatorPorts): Promise<Response> {
  const [scraped, routes, tasks] = await Promise.all([
    ports.scrape(true),
    ports.routes().catch(() => UNKNOWN_ROUTES),
    seen(ports.tasks?.shown()),
  ]);
  return pageResponse(dashboardPage(scraped, crypto.randomUUID(), { routes, tasks }));
}

// Tasks that cannot be asked do not hide all the rest.
async function seen<T>(part: Promise<T> | undefined): Promise<T | undefined> {
  try {
    return await part;
  } catch (error) {
    console.error(error);
    return undefined;
  }
}

async function getConfig(_: IRequest, ports: OperatorPorts): Promise<Response> {
  return Response.json(await ports.config());
}

async function getApplication({ params: { app } }: IRequest, ports: OperatorPorts): Promise<Response> {
  const found = (await ports.details()).find(({ name }) => name === app);
  return found === undefined ? noApplication(app) : Response.json(found);
}

async function putApplications(request: IRequest, ports: OperatorPorts): Promise<Response> {
  const body = await readJson(request);
  if (body instanceof Response) return body;
  const { applications, routes = [], diagnostics: all } = ports.plan(body.value);
  const diagnostics = cut(all);
  if (applications === undefined) {
    const message = diagnostics
      .filter(({ severity }) => severity === "error")
      .map((one) => one.message)
      .join("\n");
    return Response.json({ error: "CONFIG", message, diagnostics }, { status: 400 });
  }
  const revision = await ports.put(applications, routes);
  return Response.json({ revision, diagnostics });
}

// A megabyte can be wrong in more ways than fit into an isolate's memory.
function cut(diagnostics: readonly DocumentDiagnostic[]): readonly DocumentDiagnostic[] {
  if (diagnostics.length <= MAX_DIAGNOSTICS) return diagnostics;
  const message = `There are ${diagnostics.length - MAX_DIAGNOSTICS} more problems.`;
  return [...diagnostics.slice(0, MAX_DIAGNOSTICS), { severity: "error", path: "", message }];
}

async function deleteApplication({ params: { app = "" } }: IRequest, ports: OperatorPorts): Promise<Response> {
  const outcome = await ports.remove(app);
  if (outcome === false) return noApplication(app);
  if (outcome === true) return Response.json({ name: app, status: "DELETING" });
  const routes = `${outcome.length === 1 ? "route" : "routes"} ${outcome.map((prefix) => show(prefix)).join(", ")}`;
  return problem(409, `Application ${show(app)} is named by ${routes}. Put a document whose routes don't name it first.`);
}

async function endCanary(kind: Order["kind"], request: IRequest, ports: OperatorPorts): Promise<Response> {
  const body = await readJson(request);
  if (body instanceof Response) return body;
  const only = onlyIn(body.value, "prefix", "string");
  if (typeof only === "string") return problem(400, `Canary: ${only}`);
  const [prefix] = only;
  if (typeof prefix !== "string") return problem(400, `Canary: prefix must be a string, got ${show(prefix)}.`);
  if (!(await ports.order({ prefix, kind }))) return problem(404, `There is no canary at ${show(prefix)}.`);
  const status = own((await ports.routes()).status, prefix);
  return Response.json({ prefix, ...status });
}

async function scaleDeployment(request: IRequest, ports: OperatorPorts): Promise<Response> {
  const { app = "", deployment = "" } = request.params;
  const body = await readJson(request);
  if (body instanceof Response) return body;
  const replicas = replicasIn(body.value);
  if (typeof replicas === "string") return problem(400, `Application ${show(app)}, deployment ${show(deployment)}: ${replicas}`);
  const wrong = await ports.scale(app, deployment, replicas);
  return wrong === undefined ? Response.json({ target_num_replicas: replicas }) : problem(409, wrong);
}

/** The number that the body of a `scale` asks for, or what is wrong with it. */
function replicasIn(body: unknown): number | string {
  const only = onlyIn(body, TARGET, "number");
  if (typeof only === "string") return only;
  const [replicas] = only;
  const isNumber = typeof replicas === "number" && Number.isInteger(replicas) && replicas >= 0 && replicas <= MAX_REPLICAS;
  return isNumber ? replicas : `${TARGET} must be an integer from 0 to ${MAX_REPLICAS}, got ${show(replicas)}.`;
}

/** What a body has under the only key that it may have, or what is wrong with the body. */
function onlyIn(body: unknown, key: string, what: string): readonly [value: unknown] | string {
  if (!isRecord(body)) return `the body must be { "${key}": <${what}> }, got ${show(body)}.`;
  const unknown = Object.keys(body).find((one) => one !== key);
  return unknown === undefined ? [own(body, key)] : `unknown key ${show(unknown)}. Accepted: ${key}.`;
}

async function readJson(request: IRequest): Promise<{ value: unknown } | Response> {
  const text = await readText(request, MAX_BODY_BYTES);
  if (text === undefined) return problem(413, `Request body exceeds ${MAX_BODY_BYTES} bytes.`);
  try {
    return { value: JSON.parse(text) as unknown };
  } catch (error) {
    return problem(400, `The body must be JSON: ${error instanceof Error ? error.message : String(error)}.`);
  }
}

function noApplication(app: string | undefined): Response {
  return problem(404, `There is no application ${show(app)}.`);
}

function problem(status: number, message: string, headers: Record<string, string> = {}): Response {
  return Response.json({ error: status === 400 ? "BAD_REQUEST" : "REFUSED", message }, { status, headers });
}
