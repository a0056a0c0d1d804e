/** What Ray's test_healthcheck.py checks: replicas that fall ill when a test says so. */
import * as serve from "edge-serve";

type Condition = "well" | "fails" | "hangs" | "fails every other time";

/** The check is inherited, as in Ray's test of that. */
class Checked {
  protected condition: Condition = "well";
  protected checks = 0;

  async checkHealth(): Promise<void> {
    this.checks++;
    if (this.condition === "hangs") await new Promise(() => {});
    const isIll = this.condition === "fails" || (this.condition === "fails every other time" && this.checks % 2 === 0);
    if (!isIll) return;
    serve.logger.info("the check fails");
    throw new Error("as it should");
  }
}

class Patient extends Checked {
  fall(condition: Condition): string {
    this.condition = condition;
    this.checks = 0;
    return this.call();
  }

  checked(): number {
    return this.checks;
  }

  call(): string {
    return serve.getReplicaContext().replicaId;
  }
}

const OFTEN = { healthCheckPeriodMs: 100, healthCheckTimeoutMs: 300 };

export const patient = serve.deployment(Patient, OFTEN).bind();
export const two = serve.deployment(Patient, { ...OFTEN, numReplicas: 2 }).bind();

class NeverWell {
  checkHealth(): void {
    throw new Error("never well");
  }
  call(): string {
    return "never";
  }
}

export const never = serve.deployment(NeverWell, OFTEN).bind();

// Of the isolate, which all replicas share here: whoever comes after it is ill too.
let isEpidemic = false;

class Infected {
  break(): void {
    isEpidemic = true;
  }
  checkHealth(): void {
    if (isEpidemic) throw new Error("everybody is ill");
  }
  call(): string {
    return "well";
  }
}

export const epidemic = serve.deployment(Infected, OFTEN).bind();
