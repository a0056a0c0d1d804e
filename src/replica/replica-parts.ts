/**
 * Makes what a replica is made of, and joins it: what one part asks of another is said here.
 */
import { writeLog } from "../context/logger.ts";
import type { MetricsSnapshot } from "../protocol/metrics.ts";
import { Admission, type AdmissionLimits } from "./admission.ts";
import { ReplicaControl } from "./control.ts";
import { Gate } from "./gate.ts";
import { Instance } from "./instance.ts";
import { KeyedControl } from "./keyed-control.ts";
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
  /** What tells it what to run with: its controller, or its callers. A local run's is told nothing. */
  readonly control: ReplicaControl | KeyedControl | undefined;
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
  const stuck = keyed && (() => keyed.terminate("A request ran for 30 s beyond its deadline."));
  const runs = new Runs(scope, meter, { now, keepAlive, stuck });
  const states = new StateReports(scope, () => admission.load);
  // Made last, because it looks at the others.
  let control: ReplicaControl | KeyedControl | undefined = undefined;
  const controlNow = (): ReplicaControl | KeyedControl | undefined => control;
  const instance = new Instance({
    ...ports,
    userConfig: () => (controlNow() ?? ports).userConfig,
    lastUserConfig: () => controlNow()?.lastUserConfig,
    checkTimeoutMs: () => controlNow()?.healthCheckTimeoutMs,
    configured: (taken) => controlNow()?.configured(taken),
    refused: (failure) => controlNow()?.refused(failure),
    failed: (message) => controlNow()?.startFailed(message),
  });
  const events = new ObjectEvents({
    scope,
    handlers: ports.handlers ?? new Set(),
    instance,
    isWanted: async () => controlNow()?.isWanted() ?? true,
    // One object does all that is done for its key.
    ...(keyed === undefined ? {} : { slot: (id: string) => admission.turn(id) }),
  });
  control = keyed
    ? new KeyedControl(keyed, { admission, instance, runs, events, after })
    : controlParts && new ReplicaControl(controlParts, { admission, instance, runs, events, meter, now, after, warn });
  const gate = new Gate({
    admission,
    meter,
    membership: control?.membership,
    isDeleted: () => control instanceof KeyedControl && control.isDeleted,
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
  return { uncontrolled, admission, instance, gate, control, meter, runs, states, events };
}
