/**
 * The operator's API: what runs, and what should.
 *
 * Owns: paths, methods, who may, how much may be sent, what is said when something is wrong.
 * Does not own: what a document means (`plan`), and what follows from it (the controllers).
 *
 * Invariants:
 *   O1. Nothing is done, and nothing about the system is said, without the token.
 *   O2. An answer never holds a stack, or anything from inside that is not meant for an operator.
 */
import { dashboardPage } from "../dashboard/page.ts";
import { EXPOSITION_TYPE } from "../observe/exposition.ts";
import { type Scraped, systemMetrics } from "../observe/system-metrics.ts";
import type { ApplicationManifest } from "../protocol/manifest.ts";
import type { ApplicationDetails, StatusDocument } from "../protocol/status.ts";
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
  readonly diagnostics: readonly DocumentDiagnostic[];
}

/** What the API acts on. */
export interface OperatorPorts {
  /** Checks a document against the deployed code. */
  plan(document: unknown): Plan;
  /** Puts what should run in place of all that was. Resolves once it is stored for good. */
  put(applications: readonly ApplicationManifest[]): Promise<number>;
  /** Deletes an application; `false` when there is none of that name. */
  remove(app: string): Promise<boolean>;
  /** The document that comes to what should run. */
  config(): Promise<unknown>;
  /** All applications that there are, or were until they are gone. */
  details(): Promise<readonly ApplicationDetails[]>;
  /** What controllers know, and what replicas have measured. Of an application whose controller does not answer, the name. */
  scrape(): Promise<readonly Scraped[]>;
  /** Sets a number of replicas; what is wrong with that, in a sentence. */
  scale(app: string, deployment: string, replicas: number): Promise<string | undefined>;
}

/** The secret that operators present as a bearer token. */
export const OPERATOR_TOKEN = "EDGE_SERVE_TOKEN";

const PREFIX = "/-/api/";
const DASHBOARD = "/-/dashboard";
/** A document is a few kilobytes; this is far more than any. */
const MAX_BODY_BYTES = 1024 * 1024;

type Handle = (request: Request, ports: OperatorPorts, names: readonly string[]) => Promise<Response>;

interface ApiRoute {
  readonly path: RegExp;
  readonly methods: Readonly<Record<string, Handle>>;
}

const NAME = "([A-Za-z][A-Za-z0-9_-]{0,62})";
const ROUTES: readonly ApiRoute[] = [
  { path: new RegExp(`^${DASHBOARD}$`), methods: { GET: getDashboard } },
  { path: new RegExp(`^${PREFIX}metrics$`), methods: { GET: getMetrics } },
  { path: new RegExp(`^${PREFIX}config$`), methods: { GET: getConfig } },
  { path: new RegExp(`^${PREFIX}applications/?$`), methods: { GET: getApplications, PUT: putApplications } },
  { path: new RegExp(`^${PREFIX}applications/${NAME}$`), methods: { GET: getApplication, DELETE: deleteApplication } },
  { path: new RegExp(`^${PREFIX}applications/${NAME}/deployments/${NAME}/scale$`), methods: { POST: scaleDeployment } },
];

/** Answers requests under `/-/api/`, and for the dashboard; `undefined` for any other path. */
export function answerOperator(request: Request, path: string, env: unknown, ports: OperatorPorts): Promise<Response> | undefined {
  return path.startsWith(PREFIX) || path === DASHBOARD ? answer(request, path, env, ports) : undefined;
}

async function answer(request: Request, path: string, env: unknown, ports: OperatorPorts): Promise<Response> {
  const refusal = await authorize(request, (env as Record<string, unknown> | undefined)?.[OPERATOR_TOKEN]);
  if (refusal !== undefined) return refusal;
  for (const { path: pattern, methods } of ROUTES) {
    const match = pattern.exec(path);
    if (match === null) continue;
    const handle = methods[request.method];
    if (handle !== undefined) return attempt(() => handle(request, ports, match.slice(1)));
    const allowed = Object.keys(methods).join(", ");
    return problem(405, `${request.method} is not possible here. It takes: ${allowed}.`, { allow: allowed });
  }
  return problem(404, `The operator's API has nothing at ${JSON.stringify(path)}. It has: GET and PUT ${PREFIX}applications.`);
}

// What a controller throws is for the log: the operator is told that it did not answer, and what that means.
async function attempt(act: () => Promise<Response>): Promise<Response> {
  try {
    return await act();
  } catch (error) {
    console.error(error);
    return problem(503, "A controller could not be reached. Nothing is known to have changed; applications go on as they were. Try again.");
  }
}

async function getApplications(_: Request, ports: OperatorPorts): Promise<Response> {
  const details = await ports.details();
  const document: StatusDocument = { applications: Object.fromEntries(details.map((one) => [one.name, one])) };
  return Response.json(document);
}

async function getMetrics(_: Request, ports: OperatorPorts): Promise<Response> {
  return new Response(systemMetrics(await ports.scrape()), { headers: { "content-type": EXPOSITION_TYPE } });
}

async function getDashboard(_: Request, ports: OperatorPorts): Promise<Response> {
  const { html, contentSecurityPolicy } = dashboardPage(await ports.scrape(), crypto.randomUUID());
  return new Response(html, {
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": contentSecurityPolicy,
      "cache-control": "no-store",
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
    },
  });
}

async function getConfig(_: Request, ports: OperatorPorts): Promise<Response> {
  return Response.json(await ports.config());
}

async function getApplication(_: Request, ports: OperatorPorts, [app]: readonly string[]): Promise<Response> {
  const found = (await ports.details()).find(({ name }) => name === app);
  return found === undefined ? noApplication(app) : Response.json(found);
}

async function putApplications(request: Request, ports: OperatorPorts): Promise<Response> {
  const body = await readJson(request);
  if (body instanceof Response) return body;
  const { applications, diagnostics } = ports.plan(body.value);
  if (applications === undefined) {
    const message = diagnostics
      .filter(({ severity }) => severity === "error")
      .map((one) => one.message)
      .join("\n");
    return Response.json({ error: "CONFIG", message, diagnostics }, { status: 400 });
  }
  const revision = await ports.put(applications);
  return Response.json({ revision, diagnostics });
}

async function deleteApplication(_: Request, ports: OperatorPorts, [app = ""]: readonly string[]): Promise<Response> {
  return (await ports.remove(app)) ? Response.json({ name: app, status: "DELETING" }) : noApplication(app);
}

async function scaleDeployment(request: Request, ports: OperatorPorts, [app = "", deployment = ""]: readonly string[]): Promise<Response> {
  const body = await readJson(request);
  if (body instanceof Response) return body;
  const replicas = (body.value as { target_num_replicas?: unknown } | null)?.target_num_replicas;
  if (typeof replicas !== "number" || !Number.isSafeInteger(replicas) || replicas < 0 || replicas > 1000) {
    return problem(400, `target_num_replicas must be an integer from 0 to 1000, got ${JSON.stringify(replicas) ?? "nothing"}.`);
  }
  const wrong = await ports.scale(app, deployment, replicas);
  return wrong === undefined ? Response.json({ target_num_replicas: replicas }) : problem(409, wrong);
}

async function readJson(request: Request): Promise<{ value: unknown } | Response> {
  const tooLarge = () => problem(413, `A body of at most ${MAX_BODY_BYTES} bytes is taken here.`);
  if (Number(request.headers.get("content-length") ?? 0) > MAX_BODY_BYTES) return tooLarge();
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  for await (const chunk of (request.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > MAX_BODY_BYTES) return tooLarge();
    text += decoder.decode(chunk, { stream: true });
  }
  try {
    return { value: JSON.parse(text + decoder.decode()) as unknown };
  } catch (error) {
    return problem(400, `The body must be JSON: ${error instanceof Error ? error.message : String(error)}.`);
  }
}

function noApplication(app: string | undefined): Response {
  return problem(404, `There is no application ${JSON.stringify(app)}.`);
}

function problem(status: number, message: string, headers: Record<string, string> = {}): Response {
  return Response.json({ error: status === 400 ? "BAD_REQUEST" : "REFUSED", message }, { status, headers });
}
