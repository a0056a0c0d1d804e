import { describe, expect, it } from "vitest";
import { besideMain, type Serve } from "../../../durable-objects/beside-main.ts";

const SYSTEMS = "*/30 * * * *";
const OWN = "0 3 * * *";

type Handlers = { scheduled?(event: { readonly cron: string }, env?: unknown, ctx?: unknown): Promise<void> };

/** How the user's main has its handlers. A field of a class is called before any method. */
type Kind = "object" | "object with getters" | "class" | "class with fields";

/** What a cron reaches: the system, the user's handler. */
function reached(kind: Kind, crons: readonly string[], hasHandler = true) {
  const met: string[] = [];
  const users = hasHandler ? { scheduled: ({ cron }: { readonly cron: string }) => void met.push(`own ${cron}`) } : {};
  class Own {
    readonly isOwn = true;
    constructor() {
      if (kind === "class with fields") Object.assign(this, users);
    }
  }
  if (kind === "class") Object.assign(Own.prototype, users);
  const serve: Serve = async () => new Response();
  const scheduled = async () => void met.push("system");
  // As a bundler writes the namespace of a module.
  const getters = Object.defineProperties(
    {},
    Object.fromEntries(Object.entries(users).map(([name, value]) => [name, { get: () => value }])),
  );
  const own = { object: users, "object with getters": getters, class: Own, "class with fields": Own }[kind];
  const made = besideMain({ default: own }, [], { serve, scheduled, crons, keepAlive: () => {} });
  const handlers = (typeof made === "function" ? new (made as new () => object)() : made) as Handlers;
  return {
    met,
    at: async (cron: string) => {
      await handlers.scheduled?.({ cron });
      return met.splice(0);
    },
  };
}

describe.each<Kind>(["object", "object with getters", "class", "class with fields"])(
  "the scheduled handler of a main that is: %s,",
  (kind) => {
    it("gets the user's crons, and the system gets its own", async () => {
      const { at } = reached(kind, [OWN]);
      expect([await at(OWN), await at(SYSTEMS)]).toEqual([[`own ${OWN}`], ["system"]]);
    });

    it("gets the system's cron where the user has the same one", async () => {
      expect(await reached(kind, [SYSTEMS]).at(SYSTEMS)).toEqual(["system", `own ${SYSTEMS}`]);
    });

    it("need not be there", async () => {
      const { at } = reached(kind, [OWN], false);
      expect([await at(OWN), await at(SYSTEMS)]).toEqual([[], ["system"]]);
    });
  },
);

it("runs no getter of the user's main but those of handlers", () => {
  const users = {
    get queue() {
      return () => 1;
    },
    get database(): never {
      throw new Error("No connection is made while the module loads.");
    },
  };
  const made = besideMain({ default: users }, [], { serve: async () => new Response(), crons: [], keepAlive: () => {} });
  expect(Object.keys(made).toSorted()).toEqual(["fetch", "queue"]);
});

it("a system without schedules leaves the handlers of the user's main as they are", () => {
  const made = besideMain({ default: { queue: () => 1 } }, [], { serve: async () => new Response(), crons: [], keepAlive: () => {} });
  expect(Object.keys(made).toSorted()).toEqual(["fetch", "queue"]);
});
