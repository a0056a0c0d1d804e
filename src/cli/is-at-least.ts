/** Whether a version is `needed` or later: `4.86.0` is not `4.156.2`. */
export function isAtLeast(version: string, needed: string): boolean {
  return new Intl.Collator("en", { numeric: true }).compare(version, needed) >= 0;
}
