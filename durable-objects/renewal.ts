/**
 * Keeps what an isolate knows of deployments up to date that answer nothing of their own accord: keyed and inline ones. Nobody tells a
 * Worker, or the object of a key, what has changed.
 */
import { waitUntil } from "cloudflare:workers";
import { currentScope } from "../src/context/scope.ts";
import type { Assignment } from "../src/protocol/control.ts";
import { inForce } from "./control-plane.ts";

/** How long what was heard counts as new, in milliseconds. */
const FRESH_MS = 5000;

/** What is renewed. */
export interface Renewed {
  readonly app: string;
  readonly deployment: string;
  /** Of the code that runs. */
  readonly version: string;
  /** Of what is known. */
  epoch(): number;
}

/**
 * Makes what asks what is in force for a deployment, at most once in five seconds, beside the requests. Replicas of the same application
 * ask nothing: their controller tells them.
 */
export function renewalOf({ app, deployment, version, epoch }: Renewed, learn: (told: Assignment) => void): () => void {
  let askedAtMs = -Infinity;
  return () => {
    const nowMs = Date.now();
    if (nowMs - askedAtMs < FRESH_MS) return;
    if (currentScope()?.replica.controlledBy === app) return;
    askedAtMs = nowMs;
    const heard = inForce(app, deployment, { version, epoch: epoch() }).then((told) => {
      if (told !== undefined) learn(told);
    });
    waitUntil(heard.catch(() => {}));
  };
}
