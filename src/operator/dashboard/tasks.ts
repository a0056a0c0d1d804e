/**
 * The newest tasks, as a section of the dashboard. In the bundles of systems with tasks only.
 */
import type { TaskCounters, TaskStatus } from "../../protocol/tasks.ts";
import { TASK_STATES } from "../../protocol/tasks.ts";
import { html, type Html } from "./html.ts";

/** What the section is made from. */
export interface ShownTasks {
  /** Newest first. */
  readonly tasks: readonly TaskStatus[];
  readonly counters: readonly TaskCounters[];
}

/** How many tasks are in each state, and the newest of them with what they failed of. */
export function taskSection({ tasks, counters }: ShownTasks): Html {
  const all = counters.flatMap((part) => part.tasks);
  const counts = TASK_STATES.map((state) => {
    const count = all.reduce((sum, one) => sum + (one.state === state ? one.count : 0), 0);
    return html`<span class="${state === "FAILED" && count > 0 ? "bad" : ""}">${state} <b>${count}</b></span> `;
  });
  return html`<section>
    <h2>Tasks</h2>
    <p class="http">${counts}</p>
    ${
      tasks.length > 0 &&
      html`<table>
        <thead>
          <tr>
            <th>task
            <th>method
            <th>state
            <th class="n">attempts
            <th>created
            <th>error
          </tr>
        </thead>
        <tbody>
          ${tasks.map(taskRow)}
        </tbody>
      </table>`
    }
  </section> `;
}

function taskRow({ id, app, deployment, method, state, attempts, createdAt, error }: TaskStatus): Html {
  return html`<tr>
    <th scope="row">${id}
    <td>${app}/${deployment}.${method}
    <td>${state}
    <td class="n">${attempts}
    <td><time>${new Date(createdAt).toISOString()}</time>
    <td>${error !== undefined && `${error.name}: ${error.message.slice(0, 200)}`}
  </tr>`;
}
