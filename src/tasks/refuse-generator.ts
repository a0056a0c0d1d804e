/**
 * Generators cannot be enqueued: what a class says of itself is known before a replica is asked.
 */
import { SerializationError } from "../protocol/errors.ts";
import type { TaskCall } from "../protocol/tasks.ts";

/** The class or function of a deployment. */
export interface Enqueued {
  readonly target: Function;
  readonly isClass: boolean;
}

/** @throws SerializationError if the call is to a generator. One that is no generator by itself is found out when it runs. */
export function refuseGenerator({ target, isClass }: Enqueued, { deployment, method = "call" }: TaskCall): void {
  const called: unknown = isClass ? Reflect.get(target.prototype as object, method) : target;
  const kind = typeof called === "function" ? (Object.getPrototypeOf(called) as object).constructor.name : "";
  if (!/^(Async)?GeneratorFunction$/.test(kind)) return;
  const name = JSON.stringify(`${deployment}.${method}`);
  throw new SerializationError(`${name} is a generator, and a task has one result: it cannot be enqueued. Call it with remote().`);
}
