/**
 * The operator's API of tasks, `/-/api/tasks`, and the way to their pages of the dashboard. In the bundles of systems with tasks only.
 */
import { TaskNotFoundError } from "../protocol/errors.ts";
import type { TaskPage, TaskQuery, TaskStatus } from "../protocol/tasks.ts";
import { answerTaskPage, isForTaskPage } from "./dashboard/answer-tasks.ts";
import { DASHBOARD, OPERATOR_TOKEN } from "./operator.ts";
import { queryOf } from "./task-query.ts";
import { authorize } from "./token.ts";

/** What the API acts on. */
export interface OperatorTasks {
  /** The applications that may have tasks. */
  readonly apps: readonly string[];
  readonly client: OperatorTaskClient;
}

/** What is asked of the tasks of all applications. */
export interface OperatorTaskClient {
  list(apps: readonly string[], query: Omit<TaskQuery, "before">, cursor?: string): Promise<TaskPage>;
  status(id: string): Promise<TaskStatus>;
  cancel(id: string): Promise<boolean>;
  retry(id: string): Promise<boolean>;
}

const PATH = "/-/api/tasks";
const ONE = /^\/-\/api\/tasks\/([^/]+)(?:\/(cancel|retry))?$/;
/** Answers requests about tasks; `undefined` for any other. */
export function answerTasks(request: Request, path: string, env: unknown, tasks: OperatorTasks): Promise<Response> | undefined {
  const isPage = path === DASHBOARD && isForTaskPage(request);
  return isPage || path === PATH || ONE.test(path) ? answer(request, path, env, tasks) : undefined;
}

async function answer(request: Request, path: string, env: unknown, tasks: OperatorTasks): Promise<Response> {
  const refusal = await authorize(request, (env as Record<string, unknown> | undefined)?.[OPERATOR_TOKEN]);
  if (refusal !== undefined) return refusal;
  try {
    return await (path === DASHBOARD ? answerTaskPage(request, tasks) : answerApi(request, path, tasks));
  } catch (error) {
    console.error(error);
    return problem(503, "REFUSED", "The tasks could not be reached. No change was confirmed. Try again.");
  }
}

async function answerApi(request: Request, path: string, tasks: OperatorTasks): Promise<Response> {
  const [, id, action] = ONE.exec(path) ?? [];
  const method = action === undefined ? "GET" : "POST";
  if (request.method !== method && !(method === "GET" && request.method === "HEAD"))
    return problem(405, "REFUSED", `Method not allowed; use ${method}.`, { allow: method });
  try {
    if (id === undefined) return await list(new URL(request.url).searchParams, tasks);
    return await about(decodeURIComponent(id), action, tasks.client);
  } catch (error) {
    if (error instanceof TaskNotFoundError) return problem(404, error.code, error.message);
    if (error instanceof URIError) return problem(404, "TASK_NOT_FOUND", "That is not the id of a task.");
    throw error;
  }
}

async function about(id: string, action: string | undefined, client: OperatorTaskClient): Promise<Response> {
  if (action === "retry") {
    const isBegun = await client.retry(id);
    const status = await client.status(id);
    if (!isBegun) return problem(409, "REFUSED", `Task ${id} is ${status.state}. Only one that is FAILED or CANCELLED can be retried.`);
    return Response.json(status);
  }
  if (action === "cancel") {
    const isCancelled = await client.cancel(id);
    return Response.json({ ...(await client.status(id)), cancelled: isCancelled });
  }
  return Response.json(await client.status(id));
}

async function list(params: URLSearchParams, { apps, client }: OperatorTasks): Promise<Response> {
  const query = queryOf(params);
  if (typeof query === "string") return problem(400, "BAD_REQUEST", query);
  const { app, cursor, ...rest } = query;
  try {
    return Response.json(await client.list(app === undefined ? apps : [app], rest, cursor));
  } catch (error) {
    if (error instanceof TaskNotFoundError) return problem(400, "BAD_REQUEST", error.message);
    throw error;
  }
}

function problem(status: number, error: string, message: string, headers: Record<string, string> = {}): Response {
  return Response.json({ error, message }, { status, headers });
}
