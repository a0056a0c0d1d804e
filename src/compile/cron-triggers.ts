/**
 * The cron trigger of a system with schedules, beside the user's own.
 *
 * Plain `wrangler deploy` uploads a system that nobody calls, and to which no request may ever come: its schedules begin with this trigger.
 * After that they have alarms of their own, and it finds nothing to do.
 */
import type { Manifest } from "../protocol/manifest.ts";
import { SCHEDULES_CRON } from "../protocol/names.ts";

/** What a configuration says of triggers. */
export interface Triggers {
  readonly crons?: readonly string[] | undefined;
}

/** Whether any deployment has schedules. */
export function usesSchedules({ applications }: Pick<Manifest, "applications">): boolean {
  return applications.some(({ deployments }) => Object.values(deployments).some(({ schedules = [] }) => schedules.length > 0));
}

/**
 * The `triggers` of the built configuration; `undefined` where a build has nothing to say of them.
 *
 * @param users The user's own, which are kept.
 * @param hadSchedules Whether an earlier build for the environment had schedules: wrangler leaves a trigger as it is where a
 *   configuration says nothing of it, so an empty list has to be said.
 */
export function cronTriggers(
  users: Triggers | undefined,
  manifest: Pick<Manifest, "applications">,
  hadSchedules: boolean,
): Triggers | undefined {
  const hasSchedules = usesSchedules(manifest);
  if (!hasSchedules && !hadSchedules) return users;
  const crons = users?.crons ?? [];
  return { ...users, crons: hasSchedules && !crons.includes(SCHEDULES_CRON) ? [...crons, SCHEDULES_CRON] : crons };
}
