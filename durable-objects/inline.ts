/**
 * Inline deployments on workerd: their callers, wired together.
 *
 * Imported by the entry modules of systems that have such a deployment, and by no others: what this imports is in their bundles only.
 */
import { env, waitUntil } from "cloudflare:workers";
import type { AnyApplication } from "../src/api/application.ts";
import type { ReplicaScope } from "../src/context/scope.ts";
import { after, sleep } from "../src/context/with-timeout.ts";
import { Host, hostOf } from "../src/inline/host.ts";
import { type InlineDeployment, InlineTarget, type Known } from "../src/inline/target.ts";
import type { AnyHandle } from "../src/protocol/handle-types.ts";
import type { TaskPort } from "../src/protocol/tasks.ts";
import type { Guests } from "../src/replica/control.ts";
import { inForce } from "./control-plane.ts";
import { renewalOf } from "./renewal.ts";

/** The system, as far as inline deployments use it. */
export interface InlineSurroundings {
  /** Of the code that runs. */
  readonly version: string;
  readonly bound: ReadonlyMap<string, AnyApplication>;
  handleTo(app: string, deployment?: string): AnyHandle;
  receiveHandle(ref: unknown): unknown;
  tasks(): TaskPort | undefined;
}

/** What a system with inline deployments has besides. */
export interface InlineSystem {
  /** Where calls to an inline deployment go. */
  target(about: Omit<InlineDeployment, "bound">, name: string): InlineTarget;
  /** The instances in a replica. */
  guestsOf(replica: ReplicaScope): Guests;
}

/** Switches inline deployments on: pass the result to `createWorker`. */
export function inlineDeployments(): (system: InlineSurroundings) => InlineSystem {
  return ({ bound, version, ...surroundings }) => {
    const ports = {
      ...surroundings,
      version,
      worker: new Host({ replicaId: "", env, after, isUnshared: true, keepAlive: waitUntil }),
      now: Date.now,
      sleep,
      keepAlive: waitUntil,
      exchange: (app: string, deployment: string, { epoch, counted }: Known) =>
        inForce(app, deployment, { version, epoch, ...(counted === undefined ? {} : { metrics: counted }) }),
    };
    return {
      target(about, name) {
        const { app } = about;
        const renewed = { app, deployment: name, version, epoch: () => target.epoch };
        const renew = renewalOf(renewed, (told) => target.learn(told));
        // What was built has what is bound.
        const target: InlineTarget = new InlineTarget({ ...about, bound: bound.get(`${app}/${name}`)! }, { ...ports, renew });
        return target;
      },
      guestsOf: (replica) => hostOf(replica),
    };
  };
}
