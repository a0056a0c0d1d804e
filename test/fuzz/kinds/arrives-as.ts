/** What must arrive of a thrown value, in process and in workerd. */
import { ERROR_CLASSES } from "../../../src/protocol/errors.ts";
import type { Thrown } from "../errors.ts";
import { holds } from "../kind.ts";

const MAX_TEXT = 64 * 1024;

// Half a character may not survive the platform's own text: it makes one replacement of it, or three.
const asText = (message: string) => message.toWellFormed().replaceAll(/\ufffd+/g, "\ufffd");

/** @throws Broken if something is missing of what the thrown value was. */
export function arrivesAs(arrived: unknown, { name, message, builtin, code, props, cause }: Thrown): void {
  if (name === undefined && message === undefined) return;
  holds(arrived instanceof Error, "an error arrives as an error", () => arrived);
  if (name !== undefined) holds(arrived.name === name, "an error keeps its name", () => `${arrived.name} for ${name}`);
  if (message !== undefined) holds(asText(arrived.message) === asText(message), "an error keeps its message", () => arrived.message);
  holds(typeof arrived.stack !== "string" || arrived.stack.length <= 3 * MAX_TEXT, "a stack is cut", () => arrived.stack?.length);
  const Builtin = builtin === undefined ? undefined : (globalThis as unknown as Record<string, new () => Error>)[builtin];
  if (Builtin !== undefined) holds(arrived instanceof Builtin, "an error keeps its built-in class", () => builtin);
  if (code !== undefined) holds(arrived instanceof ERROR_CLASSES[code], "an error of edge-serve keeps its class", () => code);
  for (const [key, value] of Object.entries(props))
    holds((arrived as unknown as Record<string, unknown>)[key] === value, "an error keeps its properties", () => key);
  if (cause !== undefined) holds((arrived.cause as Error | undefined)?.message === cause, "an error keeps its cause", () => cause);
}
