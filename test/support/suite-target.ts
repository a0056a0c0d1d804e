/**
 * A suite that is run for replicas, and once more with every deployment inline: what holds for the one has to hold for the other.
 *
 * A file `inline-<suite>.test.ts` calls {@link inlineSuite} and imports the suite.
 */

let isInline = false;

/** Runs what is imported from now on against inline deployments. */
export function inlineSuite(): void {
  isInline = true;
}

/** Whether the suite is run against inline deployments: what is about replicas and their objects is left out. */
export function isInlineSuite(): boolean {
  return isInline;
}

/** What the suite serves. @param suite The name of its applications in `test/e2e/apps`. */
export function suiteTarget(suite: string, target = `test/e2e/apps/${suite}.yaml`): string {
  return isInline ? `test/e2e/apps/inlined/${suite}.yaml` : target;
}
