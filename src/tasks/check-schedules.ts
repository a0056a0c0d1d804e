/**
 * What is wrong with schedules that have the right form: an expression that means nothing, or has no time.
 */
import type { ScheduleConfig } from "../protocol/manifest.ts";
import { parseCron } from "./cron.ts";

/** A sentence about each schedule that is wrong. */
export function scheduleProblems({ schedules = [] }: { readonly schedules?: readonly ScheduleConfig[] | undefined }): string[] {
  return schedules.flatMap(({ cron, timezone }, index) => {
    try {
      parseCron(cron, timezone, Date.now());
      return [];
    } catch (error) {
      return [`schedules.${index}.cron: ${(error as RangeError).message}`];
    }
  });
}
