/**
 * The system under test: its process, its storage, the operator's API and the door.
 */
import { randomBytes } from "node:crypto";
import type { RuntimeLog } from "../../src/cli/runtime/log-record.ts";
import type { TaskPage, TaskStatus } from "../../src/protocol/tasks.ts";
import type { Built } from "../../src/testing/messages.ts";
import type { ServerChild } from "../../src/testing/server-child.ts";
import type { Happened } from "./app/steps.ts";
import type { App, Document, Part, Project } from "./project.ts";

// What is tested is what was built; it has the same types.
const BUILT = new URL("../../dist/src/testing/server-child.js", import.meta.url).href;
const { ServerChild: Child } = (await import(BUILT)) as { readonly ServerChild: typeof ServerChild };

const LOG_LINES = 5000;
const CONTROL_TIMEOUT_MS = 10_000;
/** What the framework logs of an attempt that another one may run beside. */
const OVERTAKEN = "An attempt of a task ignores its signal";

/** A replica as the status document shows it. */
export interface ReplicaStatus {
  readonly replica_id: string;
  readonly state: string;
}
interface DeploymentStatus {
  readonly status: string;
  readonly message: string;
  readonly target_num_replicas: number;
  readonly replica_states: Readonly<Record<string, number>>;
  readonly replicas: readonly ReplicaStatus[];
}
export interface ApplicationStatus {
  readonly status: string;
  readonly message: string;
  readonly deployments: Readonly<Record<Part, DeploymentStatus>>;
}

/** A system that can be killed, built anew, configured and watched. */
export class System implements AsyncDisposable {
  readonly token: string = randomBytes(16).toString("hex");
  readonly testToken: string = randomBytes(16).toString("hex");
  readonly #project: Project;
  readonly #log: RuntimeLog[] = [];
  readonly #overtaken = new Set<string>();
  #child: ServerChild | undefined;
  #built: Built | undefined;
  #url: string | undefined;
  #up: PromiseWithResolvers<void> = Promise.withResolvers();

  constructor(project: Project) {
    this.#project = project;
  }

  get url(): string {
    if (this.#url === undefined) throw new Error("The system has not started.");
    return this.#url;
  }

  /** Settles when the system listens. */
  get isUp(): Promise<void> {
    return this.#up.promise;
  }

  /** The last lines of the log. */
  get log(): readonly RuntimeLog[] {
    return this.#log;
  }

  /** The tasks of which an attempt was logged as overtaken. */
  get overtaken(): ReadonlySet<string> {
    return this.#overtaken;
  }

  async start(): Promise<void> {
    this.#child = new Child({ onLog: (line) => this.#heard(line), onScratch: () => {} });
    const { url, built } = await this.#child.start({
      type: "start",
      target: this.#project.target,
      cwd: this.#project.root,
      port: this.#url === undefined ? 0 : Number(new URL(this.#url).port),
      vars: { EDGE_SERVE_TEST_TOKEN: this.testToken },
      secrets: { EDGE_SERVE_TOKEN: this.token },
      storage: this.#project.storage,
      directory: "chaos",
      ...(this.#built === undefined ? {} : { built: this.#built }),
    });
    this.#built = built;
    this.#url = url;
    this.#up.resolve();
  }

  /** As a crash does, and nothing else of the process is left. */
  async kill(): Promise<void> {
    this.#up = Promise.withResolvers();
    await this.#child?.kill();
    this.#child = undefined;
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  /** New code, on the same storage. */
  async rebuild(): Promise<void> {
    this.#project.rewrite();
    this.#built = undefined;
    await this.restart();
  }

  async application(app: App): Promise<ApplicationStatus> {
    const response = await this.#api(`applications/${app}`);
    if (!response.ok) throw new Error(`The status of ${app}: ${response.status} ${await response.text()}`);
    return (await response.json()) as ApplicationStatus;
  }

  /** @returns The status of the answer. */
  async put(document: Document): Promise<number> {
    const response = await this.#api("applications", { method: "PUT", body: JSON.stringify(document) });
    await response.text();
    return response.status;
  }

  /** @returns The status of the answer. */
  async scale(app: App, part: Part, replicas: number): Promise<number> {
    const body = JSON.stringify({ target_num_replicas: replicas });
    const response = await this.#api(`applications/${app}/deployments/${part}/scale`, { method: "POST", body });
    await response.text();
    return response.status;
  }

  /** All tasks, newest first. */
  async tasks(): Promise<TaskStatus[]> {
    const all: TaskStatus[] = [];
    let cursor: string | undefined;
    do {
      const response = await this.#api(`tasks?limit=1000${cursor === undefined ? "" : `&cursor=${encodeURIComponent(cursor)}`}`);
      if (!response.ok) throw new Error(`The tasks: ${response.status} ${await response.text()}`);
      const page = (await response.json()) as TaskPage;
      all.push(...page.tasks);
      cursor = page.cursor;
    } while (cursor !== undefined);
    return all;
  }

  /** The metrics' text. */
  async metrics(): Promise<string> {
    return (await this.#api("metrics")).text();
  }

  /** Ends an object of any class. */
  async abort(className: string, name: string): Promise<void> {
    await this.#door(`abort?${new URLSearchParams({ class: className, name }).toString()}`);
  }

  async watch(): Promise<void> {
    await this.#door("watch");
  }

  async seen(): Promise<readonly Happened[]> {
    return (await (await this.#door("seen")).json()) as readonly Happened[];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  #api(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = { authorization: `Bearer ${this.token}`, "content-type": "application/json" };
    return fetch(new URL(`/-/api/${path}`, this.url), { ...init, headers, signal: AbortSignal.timeout(CONTROL_TIMEOUT_MS) });
  }

  #door(path: string): Promise<Response> {
    return fetch(new URL(`/chaos-door/${path}`, this.url), { signal: AbortSignal.timeout(CONTROL_TIMEOUT_MS) });
  }

  #heard(line: RuntimeLog): void {
    this.#log.push(line);
    if (line.message.includes(OVERTAKEN)) this.#overtaken.add((JSON.parse(line.message) as { readonly task: string }).task);
    if (this.#log.length > 2 * LOG_LINES) this.#log.splice(0, LOG_LINES);
  }
}
