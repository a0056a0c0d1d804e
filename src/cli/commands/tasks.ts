import type { TaskStatus } from "../../protocol/tasks.ts";
import type { Command, CommandInput } from "../command.ts";
import { EXIT, Failure, table } from "../failure.ts";
import type { OperatorClient } from "../operator/client.ts";
import { connect, URL_OPTION } from "../operator/connect.ts";

/** What may be done with one task. */
const ACTIONS = ["show", "cancel", "retry"] as const;

/** Lists tasks, and acts on one. */
export const tasks: Command = {
  name: "tasks",
  summary: "List what has been enqueued, newest first; show, cancel or retry one task.",
  args: [
    { name: "[action]", summary: "show, cancel or retry; lists without one" },
    { name: "[id]", summary: "the task" },
  ],
  options: [
    URL_OPTION,
    { flags: "--app <name>", summary: "only those of this application" },
    { flags: "--deployment <name>", summary: "only those of this deployment" },
    { flags: "--state <state>", summary: "only those in this state: PENDING, RUNNING, SUCCEEDED, FAILED or CANCELLED" },
    { flags: "--limit <number>", summary: "how many at most (default: 100)" },
    { flags: "--cursor <cursor>", summary: "where the next page begins, as the page before says" },
    { flags: "--json", summary: "print JSON" },
  ],
  examples: ["edge-serve tasks --state FAILED", "edge-serve tasks show main.3.0mh1f8a2k000x1y2z3a4b5", "edge-serve tasks retry <id>"],
  run: async (input, io) => {
    const [action, id] = input.args;
    if (action === undefined) {
      io.out(await listed(connect(input.options, io), input));
      return EXIT.ok;
    }
    if (!(ACTIONS as readonly string[]).includes(action) || id === undefined) {
      const form = 'Write "edge-serve tasks" for a list, or "edge-serve tasks show|cancel|retry <id>".';
      throw new Failure(
        `${JSON.stringify([action, id].filter((part) => part !== undefined).join(" "))} is not understood. ${form}`,
        EXIT.usage,
      );
    }
    const client = connect(input.options, io);
    const status = await client.task(id, action === "show" ? undefined : (action as "cancel" | "retry"));
    io.out(input.options["json"] === true ? `${JSON.stringify(status, null, 2)}\n` : shown(status));
    if (action !== "cancel" || status.cancelled === true) return EXIT.ok;
    throw new Failure(`Task ${id} had finished.`);
  },
};

const FILTERS = ["app", "deployment", "state", "limit", "cursor"];

async function listed(client: OperatorClient, { options }: CommandInput): Promise<string> {
  const query = Object.fromEntries(FILTERS.flatMap((name) => (typeof options[name] === "string" ? [[name, options[name]]] : [])));
  const page = await client.tasks(query);
  if (options["json"] === true) return `${JSON.stringify(page, null, 2)}\n`;
  if (page.tasks.length === 0) return "There are no tasks.\n";
  const rows = page.tasks.map((task) => [
    task.id,
    task.state,
    methodOf(task),
    String(task.attempts),
    timeOf(task.createdAt),
    errorOf(task),
  ]);
  const text = table([["ID", "STATE", "METHOD", "ATTEMPTS", "CREATED", "ERROR"], ...rows])
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
  return page.cursor === undefined ? `${text}\n` : `${text}\n\nThere are more: --cursor ${page.cursor}\n`;
}

function shown(task: TaskStatus): string {
  const times = (["createdAt", "startedAt", "finishedAt", "nextAttemptAt"] as const).flatMap((name) =>
    task[name] === undefined ? [] : [[name, timeOf(task[name])]],
  );
  const rows = [
    ["id", task.id],
    ["state", task.state],
    ["method", methodOf(task)],
    ...(task.key === undefined ? [] : [["key", task.key]]),
    ["attempts", String(task.attempts)],
    ...times,
    ...(task.error === undefined ? [] : [["error", errorOf(task)]]),
  ];
  return `${table(rows)}\n`;
}

function methodOf({ app, deployment, method }: TaskStatus): string {
  return `${app}/${deployment}.${method}`;
}

function errorOf({ error }: TaskStatus): string {
  return error === undefined ? "" : `${error.name}: ${error.message.split("\n")[0]!.slice(0, 120)}`;
}

function timeOf(atMs: number): string {
  return new Date(atMs).toISOString();
}
