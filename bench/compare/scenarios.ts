/** What is compared: the same requests to every system, and the answers that are right. */

/** An application that every system has. */
export type ApplicationName = "noop" | "compose" | "wait" | "batch" | "stream" | "cpu" | "cpu-all";

/** A number of clients that each send the next request when they have the answer. */
export interface Figure {
  readonly application: ApplicationName;
  readonly title: string;
  readonly clients: number;
  readonly unit: "answers" | "tokens";
  /** How many units an answer stands for. */
  readonly perAnswer: number;
}

/** What can be chosen with `--only`. */
export const SCENARIOS = ["noop", "compose", "wait", "batch", "stream", "cpu", "start", "memory"] as const;
export type Scenario = (typeof SCENARIOS)[number];

const answers = { unit: "answers", perAnswer: 1 } as const;

export const FIGURES: readonly Figure[] = [
  { application: "noop", title: "no-op, 32 clients", clients: 32, ...answers },
  { application: "compose", title: "Ingress, Hello and World, 32 clients", clients: 32, ...answers },
  { application: "wait", title: "await 10 ms, 1 client", clients: 1, ...answers },
  { application: "wait", title: "await 10 ms, 32 clients", clients: 32, ...answers },
  { application: "wait", title: "await 10 ms, 256 clients", clients: 256, ...answers },
  { application: "batch", title: "batches of 10 ms, 64 clients", clients: 64, ...answers },
  { application: "stream", title: "1,000 tokens streamed, 4 clients", clients: 4, unit: "tokens", perAnswer: 1000 },
  { application: "cpu", title: "compute 5 ms, one replica, 8 clients", clients: 8, ...answers },
  { application: "cpu-all", title: "compute 5 ms, a replica for each core, 8 clients", clients: 8, ...answers },
];

/** The scenario that a figure belongs to. */
export function scenarioOf({ application }: Figure): Scenario {
  return application === "cpu-all" ? "cpu" : application;
}

/** The body of a request: JSON, because one of the peers takes nothing else. */
export function bodyOf(text: string): string {
  return JSON.stringify({ texts: [text] });
}

const TOKENS = Array.from({ length: 1000 }, (_, item) => `token ${item}\n`).join("");

/** The right answer to a request with that text. */
export function answerOf(application: ApplicationName | "noop-many", text: string): string {
  switch (application) {
    case "compose":
      return "Hello world!";
    case "batch":
      return JSON.stringify([text.toUpperCase()]);
    case "stream":
      return TOKENS;
    default:
      return "ok";
  }
}
