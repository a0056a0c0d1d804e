/**
 * What a controller could tell the replica `news/Model/-/0.0`, and a way to it that a test answers by hand.
 */
import type { DeploymentOptions } from "../../src/api/options.ts";
import type { Assignment, ReplicaReport } from "../../src/protocol/control.ts";
import type { DeploymentConfig } from "../../src/protocol/manifest.ts";
import { initialReplicaSet } from "../../src/protocol/replica-set.ts";
import type { ControlPort, Remembered } from "../../src/replica/membership.ts";
import { configOf } from "./controlled-world.ts";

export const REPLICA = "news/Model/-/0.0";

/** What was compiled. */
export function compiledOf(options: DeploymentOptions = {}): { config: DeploymentConfig; set: Assignment["set"] } {
  const config = configOf(options);
  return { config, set: initialReplicaSet("news", "Model", config, null) };
}

export function assignmentAt(epoch: number, changes: Partial<Assignment> = {}, options: DeploymentOptions = {}): Assignment {
  const { config, set } = compiledOf(options);
  return { set: { ...set, epoch }, config, duty: "serving", version: "v1", ...changes };
}

/** A controller that answers what a test says, and the storage of the replica's object. */
export class ScriptedControl implements ControlPort {
  /** All that it was told. */
  readonly reports: ReplicaReport[] = [];
  saves = 0;
  remembered: Remembered | undefined;
  answer: (report: ReplicaReport) => Assignment | undefined | Promise<Assignment | undefined> = () => undefined;

  async report(report: ReplicaReport): Promise<Assignment | undefined> {
    this.reports.push(report);
    return this.answer(report);
  }

  load(): Remembered | undefined {
    return structuredClone(this.remembered);
  }

  save(remembered: Remembered): void {
    this.saves++;
    this.remembered = structuredClone(remembered);
  }

  /** What it was told, by kind. */
  get kinds(): string[] {
    return this.reports.map(({ event }) => event.kind);
  }
}
