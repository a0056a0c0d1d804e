/**
 * The dashboard's pages of tasks: `/-/dashboard?state=...`, `?task=<id>`, and the forms that cancel and retry. In the bundles of systems
 * with tasks only.
 *
 * Invariants:
 *   D1. Nothing is changed by a request that a browser sends for a page from elsewhere. The token does not come by itself, but
 *       something before the Worker may add it to whatever a browser sends.
 */
import { TaskNotFoundError } from "../../protocol/errors.ts";
import type { TaskStatus } from "../../protocol/tasks.ts";
import type { OperatorTasks } from "../operator-tasks.ts";
import { queryOf } from "../task-query.ts";
import { html, type Html } from "./html.ts";
import { pageOf, pageResponse } from "./shell.ts";
import { noticeList, oneTaskSection, TASK_STYLE, type TaskAction, taskSection } from "./tasks.ts";

/** Each of them makes a page one of tasks. */
const PARAMETERS = ["task", "app", "deployment", "state", "cursor", "limit"];

/** Whether a request to the dashboard is for a page of tasks. Methods that no page has are answered as they are everywhere. */
export function isForTaskPage({ method, url }: Pick<Request, "method" | "url">): boolean {
  const { searchParams: params } = new URL(url);
  return ["GET", "HEAD", "POST"].includes(method) && PARAMETERS.some((name) => params.has(name));
}

/** Answers a request that {@link isForTaskPage}, of somebody who may. */
export async function answerTaskPage(request: Request, tasks: OperatorTasks): Promise<Response> {
  const { searchParams: params } = new URL(request.url);
  const id = params.get("task");
  const action = params.get("action");
  const isPost = request.method === "POST" && id !== null && (action === "cancel" || action === "retry");
  if (!isPost && request.method === "POST") return plain(405, "Method not allowed; use GET.", { allow: "GET" });
  if (isPost && isFromElsewhere(request)) return plain(403, "That form is not of this dashboard.");
  const response = await (isPost ? act(id, action, tasks) : id === null ? list(params, tasks) : one(id, tasks));
  return request.method === "HEAD" ? new Response(null, response) : response;
}

// What says nothing of where it comes from is no browser: they all do, with a POST.
function isFromElsewhere({ headers, url }: Request): boolean {
  const [site, origin] = [headers.get("sec-fetch-site"), headers.get("origin")];
  return (site !== null && site !== "same-origin") || (origin !== null && origin !== new URL(url).origin);
}

async function list(params: URLSearchParams, { apps, client }: OperatorTasks): Promise<Response> {
  const query = queryOf(params);
  if (typeof query === "string") return refused(400, query);
  const { app, cursor, ...rest } = query;
  try {
    const page = await client.list(app === undefined ? apps : [app], rest, cursor);
    return shown("Tasks", taskSection({ ...page, apps, query }));
  } catch (error) {
    if (error instanceof TaskNotFoundError) return refused(400, error.message);
    throw error;
  }
}

function one(id: string, { client }: OperatorTasks): Promise<Response> {
  return found(async () => taskPage(await client.status(id)));
}

// Going back, or again, does nothing a second time: what follows is a page that was asked for.
function act(id: string, action: TaskAction, { client }: OperatorTasks): Promise<Response> {
  return found(async () => {
    const isDone = action === "retry" ? await client.retry(id) : await client.cancel(id);
    if (isDone) return new Response(null, { status: 303, headers: { location: `?task=${encodeURIComponent(id)}` } });
    const status = await client.status(id);
    return taskPage(status, `It is ${status.state}, so there is nothing to ${action}.`);
  });
}

async function found(answer: () => Promise<Response>): Promise<Response> {
  try {
    return await answer();
  } catch (error) {
    if (error instanceof TaskNotFoundError) return refused(404, error.message);
    throw error;
  }
}

function taskPage(status: TaskStatus, notice?: string): Response {
  return shown(`Task ${status.state}`, oneTaskSection(status, notice), notice === undefined ? 200 : 409);
}

function refused(status: number, message: string): Response {
  return shown("Tasks", noticeList(message), status);
}

function shown(title: string, section: Html, status = 200): Response {
  const main = html`<main>
    <nav><a href="?">Dashboard</a> · <a href="?state=">All tasks</a></nav>
    ${section}
  </main>`;
  return pageResponse(pageOf({ title, main, formStyle: TASK_STYLE }, crypto.randomUUID()), status);
}

function plain(status: number, text: string, headers: Record<string, string> = {}): Response {
  return new Response(text, { status, headers: { "content-type": "text/plain; charset=utf-8", ...headers } });
}
