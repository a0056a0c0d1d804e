/**
 * Calls by other Workers of the account, over a service binding: which applications they reach.
 *
 * Owns: the binding's right. It opens the applications that say `rpc: true`, or those of them that its `props` name. No token:
 * only who may change the account's Workers makes a binding.
 */
import type { KeyedTarget } from "../handle/keyed-handle.ts";
import { Cancellation } from "../protocol/cancellation.ts";
import { ConfigError, DeploymentUnavailableError } from "../protocol/errors.ts";
import { isRecord } from "../protocol/own.ts";
import type { OutsideAnswer } from "../protocol/rpc-messages.ts";
import { show } from "../protocol/wording.ts";
import { checkedCall, failure, type RpcTarget, runCall } from "./outside-call.ts";

/** What calls by other Workers act on. */
export interface ServicePorts {
  /** The way to a deployment; to the application's ingress deployment if none is named. */
  targetOf(app: string, deployment?: string): RpcTarget | KeyedTarget;
  /** Whether the application says `rpc: true`. */
  isOpen(app: string): boolean;
  /** Lets a call finish, or be cancelled, although its caller has gone. */
  keepAlive(promise: Promise<unknown>): void;
}

/** A call that runs. */
export interface RunningCall {
  /** Never rejects: failures are answers. */
  readonly answer: Promise<OutsideAnswer>;
  cancel(reason: unknown): void;
}

/**
 * Begins a call.
 *
 * @param props What the binding says beside its target.
 * @param call As the other Worker has sent it.
 */
export type BeginCall = (app: string, props: unknown, call: unknown) => RunningCall;

/**
 * Switches calls by other Workers on: pass the result to `createWorker`. An entry module that does not import this refuses all of
 * them.
 */
export function serviceCalls(): (ports: ServicePorts) => BeginCall {
  return ({ targetOf, isOpen, keepAlive }) =>
    (app, props, call) => {
      const cancellation = new Cancellation();
      const run = async (): Promise<OutsideAnswer> => {
        requireAllowed(app, props);
        if (!isOpen(app)) throw notOpen(app);
        const checked = checkedCall(call);
        return await runCall(checked, { target: targetOf(app, checked.deployment), cancellation, write: (answer) => answer });
      };
      const answer = run().catch(failure);
      keepAlive(answer);
      return { answer, cancel: (reason) => cancellation.cancel(reason) };
    };
}

/** Why no call reaches an application. */
export function notOpen(app: string): DeploymentUnavailableError {
  return new DeploymentUnavailableError(
    `Application ${show(app)} is not open to other Workers. Is there such an application, and does its configuration say rpc: true?`,
  );
}

// What is not understood opens nothing: a misspelled limit is no missing one.
function requireAllowed(app: string, props: unknown): void {
  if (props === undefined || props === null) return;
  const { applications, ...others } = isRecord(props) ? props : { props };
  const [other] = Object.keys(others);
  if (other !== undefined) throw new ConfigError(`props of the service binding: unknown ${show(other)}. Accepted: applications.`);
  if (applications === undefined) return;
  if (!Array.isArray(applications) || !applications.every((name) => typeof name === "string"))
    throw new ConfigError(`props of the service binding: applications must be a list of names, got ${show(applications)}.`);
  if (applications.includes(app)) return;
  throw new DeploymentUnavailableError(
    `The service binding does not reach application ${show(app)}: its props allow ${applications.length === 0 ? "none" : applications.join(", ")}.`,
  );
}
