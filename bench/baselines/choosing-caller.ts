/**
 * What the baselines have in common: a request waits at the replica that was chosen for it, whatever it finds there.
 */
import type { Caller, Routing, World } from "../simulation/caller.ts";
import type { Load } from "../../src/protocol/messages.ts";
import type { Job } from "../simulation/replica.ts";

/** What one isolate chooses by. */
export interface Choice {
  choose(): number;
  sent?(replica: number): void;
  /** Told when an answer came, or the replica was lost: then without a load. */
  answered?(replica: number, load: Load | undefined): void;
}

/** As often as edge-serve sends a request that a lost replica had not begun. */
const RETRIES = 2;

/** A routing that makes one choice for each request. */
export function choosing(name: string, choiceIn: (world: World) => Choice): Routing {
  return { name, callersIn: (world) => () => callerBy(choiceIn(world), world) };
}

function callerBy(choice: Choice, { replicas }: World): Caller {
  const attempt = async (job: Job): Promise<"done" | "again"> => {
    const index = choice.choose();
    choice.sent?.(index);
    job.startedAtMs = Number.NaN;
    try {
      const reply = await replicas[index]!.call(job, { id: String(ids++), mode: "queue" });
      if (reply.kind === "refused" && reply.failedStart !== undefined) throw new Error("The replica cannot start.");
      choice.answered?.(index, reply.kind === "value" ? (reply.value as Load) : reply.kind === "refused" ? reply.load : undefined);
      if (reply.kind === "refused") throw new Refused();
      return "done";
    } catch (error) {
      if (error instanceof Refused) throw error;
      choice.answered?.(index, undefined);
      if (!Number.isNaN(job.startedAtMs)) throw error;
      return "again";
    }
  };
  return {
    async call(job) {
      for (let retry = 0; retry <= RETRIES; retry++) if ((await attempt(job)) === "done") return;
      throw new Refused();
    },
  };
}

class Refused extends Error {}

let ids = 0;
