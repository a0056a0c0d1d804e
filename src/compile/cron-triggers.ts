/**
 * The cron trigger of a system with schedules, beside the user's own.
 *
 * Plain `wrangler deploy` uploads a system that nobody calls, and to which no request may ever come: its schedules begin with this trigger.
 * After that they have alarms of their own, and it finds nothing to do.
 */
import type { Manifest } from "../protocol/manifest.ts";

/** How often a system is looked at that has schedules. */
export const SCHEDULES_CRON = "*/30 * * * *";

/** What a configuration says of triggers. */
export interface Triggers {
  readonly crons?: readonly string[] | undefined;
}

/**
 * The `triggers` of the built configuration; `undefined` where a build has nothing to say of them.
 *
 * @param users The user's own, which are kept.
 * @param hadSchedules Whether an earlier build of this system had schedules: wrangler leaves a trigger as it is where a
 *   configuration says nothing of it, so an empty list has to be said.
 */
export function cronTriggers(
  users: Triggers | undefined,
  { applications }: Pick<Manifest, "applications">,
  hadSchedules: boolean,
): Triggers | undefined {
  const hasSchedules = applications.some(({ deployments }) =>
    Object.values(deployments).some(({ schedules = [] }) => schedules.length > 0),
  );
  if (!hasSchedules && !hadSchedules) return users;
  const crons = users?.crons ?? [];
  return { ...users, crons: hasSchedules && !crons.includes(SCHEDULES_CRON) ? [...crons, SCHEDULES_CRON] : crons };
}
