/**
 * Tasks on the dashboard: the list with its filter, and one task with what can be done to it. In the bundles of systems with tasks only.
 *
 * All links and forms name a query only, so that they hold wherever the page is served: at its own path, and at `/` of
 * `edge-serve dashboard`. They work without the script.
 */
import type { TaskCounters, TaskState, TaskStatus } from "../../protocol/tasks.ts";
import { TASK_STATES } from "../../protocol/tasks.ts";
import type { ListQuery } from "../task-query.ts";
import { html, type Html } from "./html.ts";

/** What can be done to a task. */
export type TaskAction = "cancel" | "retry";

/** What the list is made from. */
export interface ShownTasks {
  /** Newest first. */
  readonly tasks: readonly TaskStatus[];
  /** Missing where they were not asked for. */
  readonly counters?: readonly TaskCounters[];
  /** The applications that may have tasks. */
  readonly apps: readonly string[];
  /** What was asked for. */
  readonly query?: Partial<ListQuery>;
  /** Where the next page begins. */
  readonly cursor?: string | undefined;
}

/** The looks of what only tasks have. */
export const TASK_STYLE = `
a { color: inherit; } a.bad { color: var(--bad); } .id { overflow-wrap: anywhere; } nav { margin: 0 0 1rem; }
form { display: flex; flex-wrap: wrap; gap: .4rem 1rem; align-items: center; margin: .8rem .2rem; }
button, select, input { font: inherit; padding: .3rem .6rem; max-width: 100%; box-sizing: border-box; }
`;

/** How much of an error's message a row of the list has. */
const SHORT = 200;

/** How many tasks are in each state, a filter, and the newest tasks that pass it with what they failed of. */
export function taskSection({ tasks, counters, apps, query = {}, cursor }: ShownTasks): Html {
  return html`<section>
    <h2>Tasks</h2>
    ${counters !== undefined && countsLine(counters)} ${filterForm(apps, query)}
    ${tasks.length === 0 ? html`<p>There are none.</p>` : taskTable(tasks)}
    ${cursor !== undefined && html`<p><a href="?${new URLSearchParams({ ...filterOf(query), cursor }).toString()}">Older tasks</a></p>`}
  </section> `;
}

function countsLine(counters: readonly TaskCounters[]): Html {
  const all = counters.flatMap((part) => part.tasks);
  const counts = TASK_STATES.map((state) => {
    const count = all.reduce((sum, one) => sum + (one.state === state ? one.count : 0), 0);
    return html`<a class="${state === "FAILED" && count > 0 && "bad"}" href="?state=${state}">${state} <b>${count}</b></a> `;
  });
  return html`<p class="http">${counts}</p>`;
}

function filterForm(apps: readonly string[], { app, deployment, state }: Partial<ListQuery>): Html {
  return html`<form method="get">
    <label
      >State
      <select name="state">
        ${options("any", TASK_STATES, state)}
      </select></label
    >
    <label
      >Application
      <select name="app">
        ${options("any", apps, app)}
      </select></label
    >
    <label>Deployment <input name="deployment" value="${deployment}" size="12" autocomplete="off" /></label>
    <button>Show</button>
  </form>`;
}

function options(none: string, values: readonly string[], chosen: string | undefined): Html[] {
  const one = (value: string, text: string, isChosen: boolean) =>
    isChosen ? html`<option value="${value}" selected>${text}</option>` : html`<option value="${value}">${text}</option>`;
  return [one("", none, chosen === undefined), ...values.map((value) => one(value, value, value === chosen))];
}

function filterOf({ app, deployment, state }: Partial<ListQuery>): Record<string, string> {
  return Object.fromEntries(
    Object.entries({ app, deployment, state }).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

function taskTable(tasks: readonly TaskStatus[]): Html {
  return html`<table>
    <thead>
      <tr>
        <th>state
        <th>task
        <th>method
        <th class="n">attempts
        <th>created
        <th>error
      </tr>
    </thead>
    <tbody>
      ${tasks.map(taskRow)}
    </tbody>
  </table>`;
}

function taskRow({ id, app, deployment, method, state, attempts, createdAt, error }: TaskStatus): Html {
  return html`<tr>
    <td class="${stateClass(state)}">${state}
    <th scope="row"><a href="?task=${encodeURIComponent(id)}">${id}</a>
    <td>${app}/${deployment}.${method}
    <td class="n">${attempts}
    <td>${dateOf(createdAt)}
    <td>${error !== undefined && `${error.name}: ${error.message.slice(0, SHORT)}`}
  </tr>`;
}

/** One task: what is known of it, and a button for what can be done to it. */
export function oneTaskSection(task: TaskStatus, notice?: string): Html {
  const { id, app, deployment, method, key, state, attempts, createdAt, startedAt, finishedAt, nextAttemptAt, error } = task;
  const facts: readonly (readonly [string, Html | string | number | undefined])[] = [
    ["state", html`<span class="${stateClass(state)}">${state}</span>`],
    ["method", `${app}/${deployment}.${method}`],
    ["key", key],
    ["attempts", attempts],
    ["created", dateOf(createdAt)],
    ["newest attempt began", dateOf(startedAt)],
    ["next attempt", dateOf(nextAttemptAt)],
    ["finished", dateOf(finishedAt)],
    [
      "error",
      error &&
        html`<span class="bad">${error.name}</span>
          <pre>${error.message}</pre>`,
    ],
  ];
  const action = actionFor(state);
  return html`<section>
    <h2 class="id">${id}</h2>
    ${notice !== undefined && noticeList(notice)}
    <table>
      <tbody>
        ${facts.map(([name, value]) =>
          value === undefined
            ? html``
            : html`<tr>
                <th scope="row">${name}
                <td>${value}
              </tr>`,
        )}
      </tbody>
    </table>
    ${
      action !== undefined &&
      html`<form method="post" action="?task=${encodeURIComponent(id)}&amp;action=${action.name}">
        <button>${action.text}</button>
      </form>`
    }
  </section>`;
}

/** What went wrong, as a list of one. */
export function noticeList(notice: string): Html {
  return html`<ul class="notices">
    <li class="bad" role="alert">${notice}</li>
  </ul>`;
}

function actionFor(state: TaskState): { readonly name: TaskAction; readonly text: string } | undefined {
  if (state === "SUCCEEDED") return undefined;
  if (state === "FAILED" || state === "CANCELLED") return { name: "retry", text: "Retry this task" };
  return { name: "cancel", text: "Cancel this task" };
}

function stateClass(state: TaskState): string | undefined {
  return state === "FAILED" ? "bad" : undefined;
}

function dateOf(timeMs: number | undefined): Html | undefined {
  return timeMs === undefined ? undefined : html`<time>${new Date(timeMs).toISOString()}</time>`;
}
