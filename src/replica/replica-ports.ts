/**
 * What a replica is made of: the application's class, and what it needs of wherever it runs.
 */
import type { ReplicaScope } from "../context/scope.ts";
import type { CompiledPlace } from "../protocol/http-request.ts";
import type { AdmissionLimits } from "./admission.ts";
import type { ControlParts } from "./control.ts";
import type { KeyedControl, KeyedObject } from "./keyed-control.ts";
import type { MountedRouter } from "./http-handler.ts";
import type { ObjectHandler } from "./object-handlers.ts";

/** Makes what tells the object of a key what to run with. */
export type MakeKeyedControl = (object: KeyedObject) => KeyedControl;

/** What the shell hands to a replica. */
export interface ReplicaPorts {
  readonly scope: ReplicaScope;
  /** The user's class or function. */
  readonly target: Function;
  readonly isClass: boolean;
  /** Which handlers of its object's own events the class has; none where there is no object. */
  readonly handlers?: ReadonlySet<ObjectHandler>;
  readonly router: MountedRouter | undefined;
  readonly limits: AdmissionLimits & { readonly healthCheckTimeoutMs?: number };
  now(): number;
  /** The constructor's arguments, with handles where applications were bound. */
  bindArgs(): readonly unknown[];
  /** Asked again whenever it counts: it may be another one then. */
  readonly userConfig: unknown;
  /** Where the application was compiled to be reached over HTTP. */
  readonly place?: CompiledPlace;
  /** Where the replica's controller is; a replica without one goes by what it was given here. */
  readonly control?: ControlParts;
  /** For the object of a key: what it has in the place of a controller. */
  readonly keyed?: MakeKeyedControl;
  readonly env: unknown;
  /** What routers know as the Worker's context. */
  readonly state: unknown;
  /** Lets a request come to its end although its client has gone, where the platform would end it otherwise. */
  readonly keepAlive?: (promise: Promise<unknown>) => void;
  /** Makes the handle that a caller sent as an argument. */
  receiveHandle(ref: unknown): unknown;
}
