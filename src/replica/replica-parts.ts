/**
 * Makes what a replica is made of, and joins it: what one part asks of another is said here.
 */
import { writeLog } from "../context/logger.ts";
import type { MetricsSnapshot } from "../protocol/metrics.ts";
import { Admission, type AdmissionLimits } from "./admission.ts";
import { ReplicaControl } from "./control.ts";
import { Gate } from "./gate.ts";
import { Instance } from "./instance.ts";
import type { KeyedControl } from "./keyed-control.ts";
import { ObjectEvents } from "./object-events.ts";
import { ReplicaMeter } from "./replica-meter.ts";
import type { ReplicaPorts } from "./replica-ports.ts";
import { Runs } from "./run.ts";
import { StateReports } from "./state-reports.ts";

/** The parts of a replica. */
export interface ReplicaParts {
  readonly admission: Admission;
  readonly instance: Instance;
  readonly gate: Gate;
  /** What does what its controller says. */
  readonly control: ReplicaControl | undefined;
  /** For the object of a key: what takes what its callers tell. */
  readonly keyed: KeyedControl | undefined;
  readonly meter: ReplicaMeter;
  readonly runs: Runs;
  readonly states: StateReports;
  readonly events: ObjectEvents;
  readonly uncontrolled: Uncontrolled;
}

/** What is done with a replica that runs in its caller, and has no controller. */
export interface Uncontrolled {
  /** It takes on more or less from now on, and a running instance is given its newest configuration. */
  configure(limits: AdmissionLimits): Promise<unknown>;
  /** Lets its instance clean up. */
  dispose(): Promise<void>;
  /** All that it has measured so far. */
  measured(): MetricsSnapshot;
}

/** Makes them. */
export function replicaParts(ports: ReplicaPorts): ReplicaParts {
  const { scope, limits, now, control: controlParts, keyed, keepAlive } = ports;
  const { after } = scope;
  const warn = (message: string) => writeLog("WARNING", message, undefined, { replica: scope, request: undefined });
  const admission = new Admission(limits, { now, after });
  const meter = new ReplicaMeter(scope, now(), () => admission.load);
  const stuck = keyed && (() => keyedNow()?.terminate("A request ran for 30 s beyond its deadline."));
  const runs = new Runs(scope, meter, { now, keepAlive, stuck });
  const states = new StateReports(scope, () => admission.load);
  // Made last, because it looks at the others.
  let control: ReplicaControl | undefined = undefined;
  let ofKey: KeyedControl | undefined = undefined;
  const keyedNow = (): KeyedControl | undefined => ofKey;
  const controlNow = (): ReplicaControl | KeyedControl | undefined => control ?? ofKey;
  const instance = new Instance({
    ...ports,
    userConfig: () => (controlNow() ?? ports).userConfig,
    lastUserConfig: () => controlNow()?.lastUserConfig,
    checkTimeoutMs: () => controlNow()?.healthCheckTimeoutMs,
    configured: (taken) => controlNow()?.configured(taken),
    refused: (failure) => controlNow()?.refused(failure),
    failed: (failure) => controlNow()?.startFailed(failure),
  });
  const events = new ObjectEvents({
    scope,
    handlers: ports.handlers ?? new Set(),
    instance,
    isWanted: async () => controlNow()?.isWanted() ?? true,
    // One object does all that is done for its key.
    ...(keyed === undefined ? {} : { slot: (id: string) => admission.turn(id) }),
  });
  ofKey = keyed?.({ admission, instance, runs, meter, events, after });
  control = controlParts && new ReplicaControl(controlParts, { admission, instance, runs, events, meter, now, after, warn });
  const gate = new Gate({
    admission,
    meter,
    membership: control?.membership,
    isDeleted: () => keyedNow()?.isDeleted === true,
    after,
    state: () => states.now(),
    warn,
    ...(scope.isUnshared === true ? { endLost: () => runs.endLost() } : {}),
  });
  const uncontrolled: Uncontrolled = {
    configure(limits) {
      admission.setLimits(limits);
      return instance.reconfigure();
    },
    dispose: () => instance.dispose(),
    measured: () => meter.snapshot(),
  };
  return { uncontrolled, admission, instance, gate, control, keyed: ofKey, meter, runs, states, events };
}
