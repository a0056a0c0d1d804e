/**
 * What was stored by code that had no bounds yet must not stop the code that has them: read within the bounds, and said.
 */
import type { ApplicationManifest, DeploymentConfig } from "../protocol/manifest.ts";
import type { Applications, StoredConfig } from "./config-store.ts";
import type { StoredApplication } from "./stored-state.ts";

/** Brings one configuration within the bounds, with a sentence about each number that was not. */
export type Bounds = (config: DeploymentConfig) => { readonly config: DeploymentConfig; readonly problems: readonly string[] };

/** Told what was out of bounds. */
export type OnProblem = (app: string, deployment: string, problem: string) => void;

/** The operator's configuration as it was stored, within the bounds. */
export function boundedStore(stored: StoredConfig, bounds: Bounds, onProblem: OnProblem): StoredConfig {
  const applications: Applications = Object.fromEntries(
    Object.entries(stored.applications).map(([name, application]) => [
      name,
      application === null ? null : boundedApplication(application, bounds, onProblem),
    ]),
  );
  return { ...stored, applications };
}

/** A controller's state as it was stored, within the bounds. The deployment's message says what was not. */
export function boundedState(stored: StoredApplication, bounds: Bounds, onProblem: OnProblem): StoredApplication {
  const deployments = Object.entries(stored.deployments).map(([name, deployment]) => {
    const { config, problems } = bounds(deployment.config);
    const limit = bounds({ ...config, numReplicas: deployment.target }).config.numReplicas;
    const target = Math.min(limit, config.autoscaling?.maxReplicas ?? limit);
    for (const problem of problems) onProblem(stored.name, name, problem);
    const message = problems.length === 0 ? deployment.message : problems.join("\n");
    return [name, { ...deployment, config, target, message }] as const;
  });
  const { desired } = stored;
  return {
    ...stored,
    desired: desired === null ? null : boundedApplication(desired, bounds, () => {}),
    deployments: Object.fromEntries(deployments),
  };
}

function boundedApplication(application: ApplicationManifest, bounds: Bounds, onProblem: OnProblem): ApplicationManifest {
  const deployments = Object.entries(application.deployments).map(([name, given]) => {
    const { config, problems } = bounds(given);
    for (const problem of problems) onProblem(application.name, name, problem);
    return [name, config] as const;
  });
  return { ...application, deployments: Object.fromEntries(deployments) };
}
