/**
 * The Durable Object behind the schedules of an application: a shell around `src/tasks/schedules.ts`.
 *
 * Owns: storage, the alarm, RPC names. Does not own: when what fires, and the way to the tasks, which the wiring hands in. There
 * is one object for each application that has schedules, named after it.
 */
import { DurableObject } from "cloudflare:workers";
import type { Schedule, SchedulesRpc } from "../src/protocol/tasks.ts";
import type { ScheduleRow, Schedules, SchedulesPorts } from "../src/tasks/schedules.ts";
import { Alarm } from "./alarm.ts";
import { Core } from "./core.ts";

/** The part of the schedules' surroundings that their object provides. */
export type SchedulesShell = Pick<SchedulesPorts, "store" | "wakeAt"> & { readonly app: string };

/** Makes the core from what the platform gives its object. */
export type MakeSchedules = (shell: SchedulesShell) => Schedules;

/** The Durable Object class of schedules; each application's is named after it. */
export function schedulesClass(make: MakeSchedules): new (state: DurableObjectState, env: unknown) => DurableObject & SchedulesRpc {
  return class extends DurableObject implements SchedulesRpc {
    readonly #core: Core<Schedules>;
    readonly #alarm: Alarm;

    constructor(state: DurableObjectState, env: unknown) {
      super(state, env as Cloudflare.Env);
      this.#alarm = new Alarm(state.storage);
      this.#core = new Core(() => make(shellOf(state, this.#alarm)));
    }

    /** RPC. Takes the schedules that there are. */
    async adopt(revision: number, schedules: readonly Schedule[]): Promise<void> {
      return this.#core.get().adopt(revision, schedules);
    }

    /** RPC. The next times. */
    async upcoming(): Promise<readonly (Schedule & { readonly nextAt: number })[]> {
      return this.#core.get().upcoming();
    }

    override alarm(): Promise<void> {
      return this.#alarm.fire(() => this.#core.get().alarm());
    }
  };
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS schedules (name TEXT PRIMARY KEY, body TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS revision (one INTEGER PRIMARY KEY CHECK (one = 1), value INTEGER NOT NULL);
`;

function shellOf(state: DurableObjectState, alarm: Alarm): SchedulesShell {
  const { sql } = state.storage;
  sql.exec(SCHEMA);
  return {
    app: state.id.name ?? "",
    store: {
      *entries() {
        for (const { name, body } of sql.exec<{ name: string; body: string }>("SELECT name, body FROM schedules").toArray())
          yield [name, JSON.parse(body) as ScheduleRow];
      },
      put: (name, row) => {
        sql.exec("INSERT INTO schedules VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET body = excluded.body", name, JSON.stringify(row));
      },
      delete: (name) => {
        sql.exec("DELETE FROM schedules WHERE name = ?", name);
      },
      revision: () => sql.exec<{ value: number }>("SELECT value FROM revision").toArray()[0]?.value,
      setRevision: (revision) => {
        sql.exec("INSERT INTO revision VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET value = excluded.value", revision);
      },
    },
    wakeAt: (timeMs) => alarm.setAt(timeMs),
  };
}
