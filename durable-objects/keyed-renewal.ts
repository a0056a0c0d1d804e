/**
 * Keeps what an isolate knows of keyed deployments up to date: nobody tells a Worker, or the object of a key, what has changed.
 */
import { waitUntil } from "cloudflare:workers";
import { currentScope } from "../src/context/scope.ts";
import { keyedConfigIn } from "../src/protocol/control.ts";
import type { KeyedConfig } from "../src/protocol/keys.ts";
import { controllerOf, inTime } from "./control-plane.ts";

/** How long what was heard counts as new, in milliseconds. */
const FRESH_MS = 5000;

/** Takes what is heard of a keyed deployment. */
export type LearnKeyed = (config: KeyedConfig) => void;

/**
 * Makes what asks for a deployment's configuration, at most once in five seconds, beside the requests. Replicas of the same application
 * ask nothing: their controller tells them.
 */
export function renewalOf(app: string, deployment: string, version: string, learn: LearnKeyed): () => void {
  let askedAtMs = -Infinity;
  return () => {
    const nowMs = Date.now();
    if (nowMs - askedAtMs < FRESH_MS) return;
    const here = currentScope()?.replica.context;
    if (here?.appName === app && here.key === undefined) return;
    askedAtMs = nowMs;
    // A report of nobody: it changes nothing, and is answered with what is in force.
    const report = { deployment, replica: "", version, epoch: -1, event: { kind: "alive" } } as const;
    const told = inTime(controllerOf(app).report(report)).then((assignment) => {
      if (assignment !== undefined) learn(keyedConfigIn(assignment));
    });
    waitUntil(told.catch(() => {}));
  };
}
