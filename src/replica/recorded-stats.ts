/** What a class's `recordAutoscalingStats` may tell: numbers by name. Whatever else it returns stays here, and is named. */
import { thrownText } from "../protocol/thrown.ts";

/** How many numbers are kept, and how long their names may be: they travel with every report of the load. */
const MOST = 100;
const LONGEST_NAME = 200;

/** What can be told, and what is wrong with the rest. */
export interface RecordedStats {
  readonly stats?: Readonly<Record<string, number>>;
  readonly problem?: string;
}

/** Reads what `recordAutoscalingStats` returned. Never throws. */
export function recordedStats(returned: unknown): RecordedStats {
  if (returned === undefined || returned === null) return {};
  if (typeof returned !== "object") return { problem: `it returned a ${typeof returned}, not an object of numbers` };
  try {
    const entries = Object.entries(returned);
    const kept = entries.filter(([name, value]) => Number.isFinite(value) && name.length <= LONGEST_NAME).slice(0, MOST);
    const stats = Object.fromEntries(kept) as Record<string, number>;
    if (kept.length === entries.length) return { stats };
    const [name = ""] = entries.find(([candidate]) => !Object.hasOwn(stats, candidate)) ?? [];
    return { stats, problem: `${JSON.stringify(name.slice(0, LONGEST_NAME))} is left out: at most ${MOST} finite numbers are taken` };
  } catch (error) {
    return { problem: `what it returned could not be read: ${thrownText(error)}` };
  }
}
