/**
 * What a test and its server process tell each other.
 */
import type { WranglerConfig } from "../cli/project/user-config.ts";
import type { RuntimeLog } from "../cli/runtime/log-record.ts";

/** What to serve, and where. */
export interface StartMessage {
  readonly type: "start";
  readonly target: string;
  readonly cwd: string;
  readonly args?: unknown;
  /** The environment of wrangler's configuration. */
  readonly env?: string;
  /** 0 is any free port. */
  readonly port: number;
  readonly vars: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Record<string, string>>;
  /** The Durable Objects' data. */
  readonly storage: string;
  /** The directory inside `.edge-serve/` that the entry goes to. */
  readonly directory: string;
  /** What an earlier start compiled, if there was one: a restart serves the same code. */
  readonly built?: Built;
}

/** A compiled system, ready to be started. */
export interface Built {
  readonly root: string;
  readonly config: WranglerConfig;
  readonly env: string | undefined;
  /** What its author should know. */
  readonly warnings: readonly string[];
}

/** From the server process. */
export type ServerMessage =
  | { readonly type: "ready"; readonly url: string; readonly built: Built }
  | { readonly type: "failed"; readonly message: string }
  /** The answer to `stop`: the process can serve something else. */
  | { readonly type: "stopped" }
  | { readonly type: "log"; readonly line: RuntimeLog }
  /** The answer to `flush`: everything logged before it has been sent. */
  | { readonly type: "flushed" }
  /** Directories, absolute, that are left behind if the process is killed. */
  | { readonly type: "scratch"; readonly directories: readonly string[] };

/** To the server process. */
export type TestMessage = StartMessage | { readonly type: "stop" } | { readonly type: "flush" };
