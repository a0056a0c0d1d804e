/**
 * A suite that is run for replicas, and once more with every deployment inline: what holds for the one has to hold for the other.
 *
 * A file `inline-<suite>.test.ts` calls {@link inlineSuite}.
 */
import { afterAll } from "vitest";

let isInline = false;

/** Runs the suite of `test/e2e/<suite>.test.ts` against inline deployments. */
export async function inlineSuite(suite: string): Promise<void> {
  isInline = true;
  // Files share their modules: the next one begins as if this one had not been. The suite itself may be there already.
  afterAll(() => {
    isInline = false;
  });
  await import(`../e2e/${suite}.test.ts?placement=inline`);
}

/** Whether the suite is run against inline deployments: what is about replicas and their objects is left out. */
export function isInlineSuite(): boolean {
  return isInline;
}

/** What the suite serves. @param suite The name of its applications in `test/e2e/apps`. */
export function suiteTarget(suite: string, target = `test/e2e/apps/${suite}.yaml`): string {
  return isInline ? `test/e2e/apps/inlined/${suite}.yaml` : target;
}
