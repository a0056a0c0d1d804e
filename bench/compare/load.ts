/**
 * The load: autocannon, over loopback, with the status and the body of every answer checked.
 *
 * In a process of its own (`node load.ts <options as JSON>`), so that its computing is not anybody else's.
 */
import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { answerOf, bodyOf, type Figure } from "./scenarios.ts";

const require = createRequire(import.meta.url);

/** What came of it. */
export interface Load {
  readonly answers: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers with another status or body, connections that broke, requests that timed out. */
  readonly wrong: number;
}

/** What autocannon is told and what it says, as far as it is used. */
interface Options {
  readonly url: string;
  readonly method: "POST";
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly expectBody: string;
  readonly connections: number;
  readonly duration: number;
  readonly timeout: number;
}

interface Result {
  readonly "2xx": number;
  readonly duration: number;
  readonly latency: { readonly p50: number; readonly p99: number };
  readonly non2xx: number;
  readonly mismatches: number;
  readonly errors: number;
  readonly timeouts: number;
}

/** Sends requests for that many seconds. */
export async function load(url: string, { application, clients }: Figure, seconds: number): Promise<Load> {
  const options: Options = {
    url,
    method: "POST",
    headers: { "content-type": "application/json" },
    body: bodyOf("a"),
    expectBody: answerOf(application, "a"),
    connections: clients,
    duration: seconds,
    timeout: 30,
  };
  const bounds = { timeout: (seconds + 60) * 1000, maxBuffer: 1 << 24 };
  const { stdout } = await promisify(execFile)(process.execPath, [fileURLToPath(import.meta.url), JSON.stringify(options)], bounds);
  const result = JSON.parse(stdout) as Result;
  return {
    answers: result["2xx"],
    seconds: result.duration,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
    wrong: result.non2xx + result.mismatches + result.errors + result.timeouts,
  };
}

/** The version of the load generator. */
export function loadVersion(): string {
  return (require("autocannon/package.json") as { readonly version: string }).version;
}

if (import.meta.main) {
  const autocannon = require("autocannon") as (options: Options) => Promise<Result>;
  console.log(JSON.stringify(await autocannon(JSON.parse(process.argv[2] ?? "{}") as Options)));
}
