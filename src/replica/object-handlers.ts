/**
 * The handlers of the platform's own events that a class may define: its alarm, and those of WebSockets that hibernate.
 *
 * The platform asks the Durable Object's class which handlers there are, before there is an instance of the user's. So they are
 * methods: the class's own, inherited or decorated ones. A field is there only once the instance is.
 */

/** The names of the handlers. Nobody calls them through a handle. */
export const OBJECT_HANDLERS = ["alarm", "webSocketMessage", "webSocketClose", "webSocketError"] as const;

/** The name of a handler. */
export type ObjectHandler = (typeof OBJECT_HANDLERS)[number];

/** Which handlers the class of a deployment has; a function has none. */
export function objectHandlersOf(target: Function, isClass: boolean): ReadonlySet<ObjectHandler> {
  const prototype: unknown = isClass ? target.prototype : undefined;
  return new Set(OBJECT_HANDLERS.filter((name) => hasMethod(prototype, name)));
}

/** Handlers that an instance has as fields, where the platform does not look for them. */
export function handlerFields(instance: object, handlers: ReadonlySet<ObjectHandler>): ObjectHandler[] {
  return OBJECT_HANDLERS.filter((name) => !handlers.has(name) && typeof ownValue(instance, name) === "function");
}

// Not read as a property: a getter, which is how some decorators bind a method, expects an instance.
function hasMethod(prototype: unknown, name: string): boolean {
  for (let level = prototype; typeof level === "object" && level !== null; level = Object.getPrototypeOf(level)) {
    const property = Object.getOwnPropertyDescriptor(level, name);
    if (property !== undefined) return property.get !== undefined || typeof property.value === "function";
  }
  return false;
}

function ownValue(instance: object, name: string): unknown {
  return Object.getOwnPropertyDescriptor(instance, name)?.value;
}
