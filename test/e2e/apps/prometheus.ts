/** What metrics.ts leaves to be measured: tasks, shadows, autoscaling, a full queue, and metrics of the application's own. */
import * as serve from "edge-serve";

const asked = new serve.metrics.Counter("pages_asked_for", { description: "Pages asked for.", tagKeys: ["kind"] });

class Jobs {
  #lengths = new serve.metrics.Histogram("job_words", { description: "Words of a job.", boundaries: [1, 10, 100] });
  #kept = new serve.metrics.Gauge("jobs_kept");

  run(words: number): void {
    this.#lengths.observe(words);
    this.#kept.set(words);
  }
}

class Narrow {
  async call(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

class Front {
  readonly #jobs: serve.DeploymentHandle<Jobs>;
  readonly #narrow: serve.DeploymentHandle<Narrow>;

  constructor(jobs: serve.DeploymentHandle<Jobs>, narrow: serve.DeploymentHandle<Narrow>) {
    this.#jobs = jobs;
    this.#narrow = narrow;
  }

  async fetch(request: Request): Promise<unknown> {
    const { pathname, searchParams } = new URL(request.url);
    asked.inc(1, { kind: pathname.slice(1) });
    const each = Array.from({ length: Number(searchParams.get("count") ?? 1) });
    if (pathname === "/jobs") return (await Promise.all(each.map((_, words) => this.#jobs.run.enqueue(words)))).length;
    if (pathname === "/narrow") return (await Promise.allSettled(each.map(() => this.#narrow.remote()))).map(({ status }) => status);
    return "ok";
  }
}

export const app = serve
  .deployment(Front, { autoscaling: { maxReplicas: 2 } })
  .bind(serve.deployment(Jobs, { tasks: {} }).bind(), serve.deployment(Narrow, { maxOngoingRequests: 1, maxQueuedRequests: 1 }).bind());

export const shadow = serve.deployment(() => "seen", { name: "Shadow" }).bind();
