/**
 * What a replica is made of: the application's class, and what it needs of wherever it runs.
 */
import type { ReplicaScope } from "../context/scope.ts";
import type { CompiledPlace } from "../protocol/http-request.ts";
import type { AdmissionLimits } from "./admission.ts";
import type { ControlParts } from "./control.ts";
import type { KeyedParts } from "./keyed-control.ts";
import type { MountedRouter } from "./http-handler.ts";
import type { ObjectHandler } from "./object-handlers.ts";

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
  readonly userConfig: unknown;
  /** Where the application was compiled to be reached over HTTP. */
  readonly place?: CompiledPlace;
  /** Where the replica's controller is; a replica without one goes by what it was given here. */
  readonly control?: ControlParts;
  /** For the object of a key: where its configuration comes from. */
  readonly keyed?: KeyedParts;
  readonly env: unknown;
  readonly state: unknown;
  /** Makes the handle that a caller sent as an argument. */
  receiveHandle(ref: unknown): unknown;
}
