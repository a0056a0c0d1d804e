/** Names for attempts: unique within an isolate's life, and the random part tells isolates apart. */

// Made late: no randomness at the top level of a Worker.
let isolate: string | undefined;
let deliveries = 0;

/** The next name. */
export function nextDeliveryId(random: () => number): string {
  isolate ??= Math.floor(random() * 2 ** 52).toString(36);
  return `${isolate}.${(deliveries++).toString(36)}`;
}
