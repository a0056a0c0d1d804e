/**
 * `serve()`: an application under test, compiled and running in workerd.
 *
 * Owns: the server's process, its storage, its log.
 * Does not own: compiling and starting; `server-process.ts` does both, in the process that this one starts.
 *
 * Invariants:
 *   V1. `serve` resolves once the server answers, and rejects with what is wrong in the user's code, file and line.
 *   V2. `kill` leaves nothing of the runtime running, and storage as it was; `restart` serves it at the same URL.
 *   V3. After disposal no process of the server is left, and nothing that it stored.
 */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectHandle } from "../client/connection.ts";
import { getTask } from "../client/connect.ts";
import type { KeyedHandle } from "../protocol/handle-types.ts";
import type { PlatformAsyncDisposable, PlatformRequestInit, PlatformResponse } from "../protocol/platform-types.ts";
import type { Task } from "../protocol/tasks.ts";
import type { HandleTo } from "../api/application.ts";
import { forPeople, type LogLine, toLogLine } from "./log-line.ts";
import type { Built, StartMessage } from "./messages.ts";
import { ServerChild } from "./server-child.ts";

/** Options of `serve()`. */
export interface ServeOptions {
  /** The operator's token, `EDGE_SERVE_TOKEN`; without one the operator's API refuses everyone. */
  readonly token?: string;
  /** Any free port by default. */
  readonly port?: number;
  /** Variables of the Worker, besides those of wrangler's configuration. */
  readonly vars?: Readonly<Record<string, string>>;
  /**
   * The environment of wrangler's configuration: its vars and bindings, and `.dev.vars.<env>`.
   *
   * @default The variable `CLOUDFLARE_ENV`, else the top level.
   */
  readonly env?: string;
  /** Arguments of a builder that the target names. JSON. */
  readonly args?: unknown;
  /**
   * Keeps the log to `logs()`. Otherwise lines of level `ERROR` are also written to standard error, each with its stack, so
   * that a test that fails shows why.
   *
   * @default false
   */
  readonly quiet?: boolean;
}

/** What stands behind a handle to a class; a function stands for itself. */
type InstanceOf<C> = C extends abstract new (...args: never[]) => infer T ? T : C;

/** A running server. Dispose of it, or `await using` it. */
export interface Server extends PlatformAsyncDisposable {
  /** Such as `http://127.0.0.1:49152/`; the same after a restart. */
  readonly url: string;
  /** `fetch`, with a path of this server: `server.fetch("/greet?name=Ada")`. What was logged before the answer is in `logs()`. */
  fetch(path: string, init?: PlatformRequestInit): Promise<PlatformResponse>;
  /** Calls an application as another deployment would. `app` may be left out where there is one only, or one named `default`. */
  handle<A = unknown>(app?: string): HandleTo<A>;
  /**
   * A keyed deployment, by the type of its class: `server.keyed<typeof Cart>("Cart").get("ada")`. The application may be left out where
   * there is one only, or one named `default`.
   */
  keyed<C = unknown>(deployment: string, app?: string): KeyedHandle<InstanceOf<C>>;
  /** The task with this id. Asks nothing by itself. */
  task<T = unknown>(id: string): Task<T>;
  /** Log lines so far, restarts included. Positions in stacks are those of the source files. */
  logs(): readonly LogLine[];
  /** The first line that matches, of those there are or those to come. Rejects after `timeoutMs`, 5000 by default. */
  waitForLog(matches: (line: LogLine) => boolean, options?: { readonly timeoutMs?: number }): Promise<LogLine>;
  /** Ends the whole runtime at once, as a crash does (SIGKILL). What is stored stays. */
  kill(): Promise<void>;
  /** Serves again, with what is stored, at the same URL; kills first what still runs. */
  restart(): Promise<void>;
  /** Ends the server and removes what it stored. */
  stop(): Promise<void>;
}

/**
 * Compiles an application and serves it in workerd, with storage of its own.
 *
 * @param target `"src/app.ts:app"` or a config file, relative to the current directory, or absolute.
 * @throws Error that names what is wrong, with file and line, if it does not compile or start.
 * @example
 * await using server = await serve("src/app.ts:app");
 * expect(await (await server.fetch("/")).text()).toBe("Hello world!");
 */
export async function serve(target: string, options: ServeOptions = {}): Promise<Server> {
  const server = new RunningServer(target, options);
  try {
    await server.start();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

class RunningServer implements Server {
  readonly #start: StartMessage;
  readonly #testToken = randomBytes(24).toString("hex");
  readonly #isQuiet: boolean;
  readonly #logs: LogLine[] = [];
  readonly #listeners = new Set<(line: LogLine) => void>();
  readonly #scratch = new Set<string>();
  #built: Built | undefined;
  #url: string | undefined;
  #child: ServerChild | undefined;

  constructor(target: string, { token, port = 0, vars = {}, env, args, quiet = false }: ServeOptions) {
    this.#isQuiet = quiet;
    this.#start = {
      type: "start",
      target,
      cwd: process.cwd(),
      ...(args === undefined ? {} : { args }),
      ...(env === undefined ? {} : { env }),
      port,
      vars: { ...vars, EDGE_SERVE_TEST_TOKEN: this.#testToken },
      secrets: token === undefined ? {} : { EDGE_SERVE_TOKEN: token },
      storage: mkdtempSync(join(tmpdir(), "edge-serve-test-")),
      directory: `test-${randomBytes(6).toString("hex")}`,
    };
  }

  get url(): string {
    if (this.#url === undefined) throw new Error("The server has not started.");
    return this.#url;
  }

  async start(): Promise<void> {
    this.#child = ServerChild.take({
      onLog: (line) => this.#log(toLogLine(line)),
      onScratch: (directories) => directories.forEach((directory) => this.#scratch.add(directory)),
    });
    const { url, built } = await this.#child.start({
      ...this.#start,
      ...(this.#built === undefined ? {} : { built: this.#built }),
      ...(this.#url === undefined ? {} : { port: Number(new URL(this.#url).port) }),
    });
    if (this.#built === undefined) built.warnings.forEach((message) => this.#warn(message));
    this.#built = built;
    this.#url = url;
  }

  async fetch(path: string, init?: RequestInit): Promise<Response> {
    const response = await fetch(new URL(path, this.url), init);
    // So that a test may look at the log right away.
    await this.#child?.flush();
    return response;
  }

  handle<A = unknown>(app?: string): HandleTo<A> {
    const handle = connectHandle({ url: this.url, token: this.#testToken, app: app ?? "default" });
    return handle as HandleTo<A>;
  }

  keyed<C = unknown>(deployment: string, app?: string): KeyedHandle<InstanceOf<C>> {
    return connectHandle({ url: this.url, token: this.#testToken, app: app ?? "default", deployment }) as unknown as KeyedHandle<
      InstanceOf<C>
    >;
  }

  task<T = unknown>(id: string): Task<T> {
    return getTask<T>(this.handle(id.split(".")[0]), id);
  }

  logs(): readonly LogLine[] {
    return [...this.#logs];
  }

  waitForLog(matches: (line: LogLine) => boolean, { timeoutMs = 5000 }: { readonly timeoutMs?: number } = {}): Promise<LogLine> {
    const found = this.#logs.find(matches);
    if (found !== undefined) return Promise.resolve(found);
    return new Promise((resolve, reject) => {
      const end = (act: () => void) => {
        clearTimeout(timer);
        this.#listeners.delete(listener);
        act();
      };
      const listener = (line: LogLine) => {
        if (matches(line)) end(() => resolve(line));
      };
      const tail = () =>
        this.#logs
          .slice(-10)
          .map(({ level, message }) => `\n  ${level} ${message}`)
          .join("");
      const timer = setTimeout(
        () => end(() => reject(new Error(`No line of the log matched within ${timeoutMs} ms. The last lines:${tail()}`))),
        timeoutMs,
      );
      this.#listeners.add(listener);
    });
  }

  async kill(): Promise<void> {
    await this.#child?.kill();
    this.#child = undefined;
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  async stop(): Promise<void> {
    await this.#child?.stop();
    this.#child = undefined;
    const generated = this.#built === undefined ? [] : [join(this.#built.root, ".edge-serve", this.#start.directory)];
    for (const path of [this.#start.storage, ...generated, ...this.#scratch]) rmSync(path, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  // In the log, where a test can ask for it, and in the test's own output, where a person sees it.
  #warn(message: string): void {
    console.warn(`edge-serve: ${message}`);
    this.#log(toLogLine({ level: "warn", message, timestamp: Date.now() }));
  }

  #log(line: LogLine): void {
    this.#logs.push(line);
    if (line.level === "ERROR" && !this.#isQuiet) process.stderr.write(`${forPeople(line)}\n`);
    for (const listener of this.#listeners) listener(line);
  }
}
