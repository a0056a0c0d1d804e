/** Inline deployments in `runLocal`: the same host as in a Worker. */
import { describe, expect, it } from "vitest";
import * as serve from "../../../src/index.ts";
import { runLocal } from "../../../src/local/run-local.ts";
import { rejectionOf } from "../../support/rejection.ts";

let made = 0;
class Tokenizer {
  readonly instance = ++made;
  config: unknown;
  reconfigure(config: unknown) {
    this.config = config;
  }
  call(value: { text: string }) {
    const before = value.text;
    value.text = "changed";
    return before.split(" ");
  }
  about() {
    const { replicaId, ordinal } = serve.getReplicaContext();
    return { instance: this.instance, config: this.config, replicaId, ordinal };
  }
  state() {
    return serve.getReplicaContext().state;
  }
  *count(to: number) {
    for (let n = 0; n < to; n++) yield n;
  }
}
class Front {
  constructor(private tokenizer: serve.DeploymentHandle<Tokenizer>) {}
  async call() {
    const given = { text: "a b" };
    return { words: await this.tokenizer.remote(given), given };
  }
  async ways() {
    const found = serve.getDeploymentHandle<Tokenizer>("Tokenizer");
    return { own: serve.getReplicaContext().replicaId, all: await Promise.all([this.tokenizer.about.remote(), found.about.remote()]) };
  }
  state() {
    return this.tokenizer.state.remote();
  }
  async sum() {
    let sum = 0;
    for await (const n of this.tokenizer.count.remote(5)) sum += n;
    return sum;
  }
}
const tokenizer = serve.deployment(Tokenizer, { placement: "inline", userConfig: 7 }).bind();
const app = serve.deployment(Front, { numReplicas: 2 }).bind(tokenizer);

describe("an inline deployment in runLocal", () => {
  it("gets copies, and streams", async () => {
    const front = runLocal(app);
    expect([await front.remote(), await front.sum.remote()]).toEqual([{ words: ["a", "b"], given: { text: "a b" } }, 10]);
  });

  it("is one instance for each caller", async () => {
    const settled = await runLocal(app).ways.broadcast();
    const ways = settled.map((one) => (one.status === "fulfilled" ? one.value : expect.fail()));
    for (const { own, all } of ways)
      expect(all.map(({ replicaId, ordinal, config }) => [replicaId, ordinal, config])).toEqual([
        [own, 0, 7],
        [own, 0, 7],
      ]);
    expect(new Set(ways.flatMap(({ all }) => all.map(({ instance }) => instance))).size).toBe(2);
  });

  it("has no state", async () => {
    expect(String(await rejectionOf(runLocal(app).state.remote()))).toContain("inline");
  });

  it("may be the ingress deployment", async () => {
    expect(await runLocal(tokenizer).about.remote()).toMatchObject({ replicaId: "", ordinal: 0 });
  });
});
