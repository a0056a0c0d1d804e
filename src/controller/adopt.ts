/**
 * What a new configuration changes.
 *
 * Owns: which deployments there are, their configurations and targets. Does not own: what follows for replicas (`replica-list.ts`).
 *
 * Invariants:
 *   B1. An older configuration never replaces a newer one.
 *   B2. What says nothing new changes nothing, so it can be delivered as often as it takes.
 */
import type { ConfigChange } from "../protocol/control.ts";
import type { DeploymentConfig } from "../protocol/manifest.ts";
import { move, scalingMessage } from "./deployment-status.ts";
import { type ApplicationState, change, type DeploymentState } from "./state.ts";
import { deploymentFrom } from "./stored-state.ts";

/** Takes a configuration. */
export function adopt(
  application: ApplicationState,
  { revision, version, application: desired, isCompiled, routing = 0 }: ConfigChange,
  nowMs: number,
): void {
  const isNewCode = version !== application.version;
  if (!isNewCode && revision < application.revision) return;
  const isSame = !isNewCode && JSON.stringify(desired) === JSON.stringify(application.desired);
  // Delivered once more, or what was compiled. An operator's document takes back what was scaled by hand, an equal one too.
  const isRepeated = revision === application.revision || isCompiled === true;
  change(application, { revision });
  if (routing > (application.routing ?? 0)) routeAnew(application, routing);
  if (isSame && isRepeated) return;
  const isMoved = desired?.routePrefix !== application.desired?.routePrefix;
  if (!isSame) change(application, { version, desired, deployedAtMs: nowMs });
  const wanted = desired?.deployments ?? {};
  const before = forCallers(application);
  for (const [name, config] of Object.entries(wanted)) {
    const known = application.deployments.get(name);
    if (known === undefined) application.deployments.set(name, newDeployment(name, config));
    else update(known, config, { isNewCode, isMoved });
  }
  for (const deployment of application.deployments.values()) {
    if (Object.hasOwn(wanted, deployment.name) || deployment.isLeaving) continue;
    change(deployment, { isLeaving: true, epoch: deployment.epoch + 1 });
    move(deployment, "DELETE");
  }
  // With new code everybody is told anyway.
  if (!isNewCode) tellCallers(application, before);
}

/** The configurations of the inline deployments, by name: their callers run them. */
export function inlineConfigs({ deployments }: Pick<ApplicationState, "deployments">): Readonly<Record<string, DeploymentConfig>> {
  const all = [...deployments.values()].filter(({ config, isLeaving }) => config.inline === true && !isLeaving);
  return Object.fromEntries(all.map(({ name, config }) => [name, config]));
}

/** What of an application's deployments its replicas are told beside their own: they pass it on to the objects of keys, and run what is inline. */
interface ForCallers {
  readonly keyed: number;
  readonly inline: string;
}

function forCallers(application: ApplicationState): ForCallers {
  const keyed = [...application.deployments.values()].reduce((sum, { config, epoch }) => sum + (config.keyed === true ? epoch : 0), 0);
  return { keyed, inline: JSON.stringify(inlineConfigs(application)) };
}

// Any replica of the application may call them. One that may have an instance is told as if its own configuration had changed.
function tellCallers(application: ApplicationState, before: ForCallers): void {
  const { keyed, inline } = forCallers(application);
  const isConfigured = inline !== before.inline;
  if (!isConfigured && keyed === before.keyed) return;
  for (const deployment of application.deployments.values()) {
    const { config, isLeaving, replicas } = deployment;
    if (config.keyed === true || config.inline === true || isLeaving) continue;
    const epoch = deployment.epoch + 1;
    change(deployment, isConfigured ? { epoch, configEpoch: epoch } : { epoch });
    if (!isConfigured) continue;
    move(deployment, "CONFIG_UPDATE");
    for (const replica of replicas) replicas.update(replica, { retryAtMs: 0 });
  }
}

// Only callers of the ingress deployment route by prefixes. Nothing else of it changes.
function routeAnew(application: ApplicationState, routing: number): void {
  change(application, { routing });
  const ingress = application.deployments.get(application.desired?.ingress ?? "");
  if (ingress !== undefined) change(ingress, { epoch: ingress.epoch + 1 });
}

function newDeployment(name: string, config: DeploymentConfig): DeploymentState {
  const deployment = deploymentFrom({
    name,
    epoch: 1,
    config,
    configEpoch: 1,
    target: config.numReplicas,
    isLeaving: false,
    status: "UPDATING",
    trigger: "CONFIG_UPDATE_STARTED",
    message: "",
    startFailures: 0,
    hasStarted: false,
    incarnations: {},
    scaling: { policy: null, evaluateAtMs: null, load: 0, decisions: [] },
  });
  deployment.isChanged = true;
  return deployment;
}

function update(
  deployment: DeploymentState,
  config: DeploymentConfig,
  { isNewCode, isMoved }: { isNewCode: boolean; isMoved: boolean },
): void {
  const before = deployment.config;
  const { numReplicas: _, ...rest } = config;
  const { numReplicas: __, ...restBefore } = before;
  const isCountOnly = JSON.stringify(rest) === JSON.stringify(restBefore);
  const isSame = isCountOnly && config.numReplicas === before.numReplicas;
  if (isSame && !isNewCode && !isMoved && !deployment.isLeaving) return;
  const target = targetAfter(deployment, config);
  if (isCountOnly && !isNewCode && !isMoved && !deployment.isLeaving) {
    // Ray Serve shows a change of the number alone as scaling.
    const { target: from } = deployment;
    move(deployment, target > from ? "MANUAL_UP" : "MANUAL_DOWN", scalingMessage(from, target));
  } else {
    const epoch = deployment.epoch + 1;
    change(deployment, { epoch, configEpoch: epoch });
    move(deployment, "CONFIG_UPDATE");
  }
  change(deployment, { config, target, isLeaving: false, startFailures: 0 });
  if (isNewCode) change(deployment, { hasStarted: false });
  for (const replica of deployment.replicas) deployment.replicas.update(replica, { retryAtMs: 0 });
}

// Autoscaled before and after: the load has decided, and goes on deciding within the new bounds.
function targetAfter(deployment: DeploymentState, { autoscaling, numReplicas }: DeploymentConfig): number {
  if (autoscaling === null || deployment.config.autoscaling === null || deployment.isLeaving) return numReplicas;
  return Math.min(autoscaling.maxReplicas, Math.max(autoscaling.minReplicas, deployment.target));
}
