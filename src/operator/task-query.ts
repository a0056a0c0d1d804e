/**
 * The parameters by which lists of tasks are asked for: of the operator's API, and of the dashboard.
 */
import { NAME_PATTERN } from "../protocol/names.ts";
import { MAX_LISTED, TASK_STATES, type TaskQuery, type TaskState } from "../protocol/tasks.ts";

const DEFAULT_LIMIT = 100;

/** Which tasks of which applications are asked for. */
export type ListQuery = Omit<TaskQuery, "before"> & { readonly app?: string; readonly cursor?: string };

const PARAMETERS = ["app", "deployment", "state", "limit", "cursor"];

/** What is asked for, or what is wrong with it, in a sentence. */
export function queryOf(params: URLSearchParams): ListQuery | string {
  const unknown = [...params.keys()].find((name) => !PARAMETERS.includes(name));
  if (unknown !== undefined) return `Unknown parameter ${shown(unknown)}. Accepted: ${PARAMETERS.join(", ")}.`;
  const given = (name: string) => params.get(name) || undefined;
  const [app, deployment, state, cursor] = [given("app"), given("deployment"), given("state"), given("cursor")];
  const limit = Number(given("limit") ?? DEFAULT_LIMIT);
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LISTED)
    return `limit must be an integer from 1 to ${MAX_LISTED}, got ${shown(given("limit"))}.`;
  if (state !== undefined && !(TASK_STATES as readonly string[]).includes(state))
    return `state must be one of ${TASK_STATES.join(", ")}, got ${shown(state)}.`;
  const wrong = Object.entries({ app, deployment }).find(([, name]) => name !== undefined && !NAME_PATTERN.test(name));
  if (wrong !== undefined) return `${wrong[0]} must be a name, got ${shown(wrong[1])}.`;
  return {
    limit,
    ...(app === undefined ? {} : { app }),
    ...(deployment === undefined ? {} : { deployment }),
    ...(state === undefined ? {} : { state: state as TaskState }),
    ...(cursor === undefined ? {} : { cursor }),
  };
}

function shown(text: string | undefined): string {
  return JSON.stringify(text?.slice(0, 80));
}
