import { describe, expect, it } from "vitest";
import * as serve from "../../../src/index.ts";
import { runLocal } from "../../../src/local/run-local.ts";

class Remote {
  call(): string {
    throw new RangeError("too large");
  }
}

class Caller {
  readonly #remote: serve.DeploymentHandle<Remote>;

  constructor(remote: serve.DeploymentHandle<Remote>) {
    this.#remote = remote;
  }

  synchronous(): PromiseLike<string> {
    return this.#remote.remote();
  }

  async asynchronous(): Promise<string> {
    return await this.#remote.remote();
  }

  async throughAnother(): Promise<string> {
    return await this.synchronous();
  }

  async late(): Promise<string> {
    const response = this.synchronous();
    await this.synchronous().then(undefined, () => {});
    return await response;
  }

  async together(): Promise<string[]> {
    return await Promise.all([this.synchronous(), this.synchronous()]);
  }

  result(): Promise<string> {
    return this.#remote.remote().result();
  }

  async twice(): Promise<string> {
    const response = this.#remote.remote();
    await response.then(undefined, () => {});
    return await response;
  }
}

const handle = runLocal(serve.deployment(Caller).bind(serve.deployment(Remote).bind()));

// What stands above the remote replica's own stack, in the caller's: the functions of `Caller`, and those of the platform.
async function framesOf(method: Exclude<keyof Caller, "call">): Promise<string[]> {
  const error = await (handle[method] as { remote(): PromiseLike<unknown> }).remote().then(
    () => expect.unreachable(),
    (reason: unknown) => reason as Error,
  );
  const [, caller = ""] = error.stack?.split("  -- in the replica:\n") ?? [];
  return [...caller.matchAll(/^ +at (?:async )?(Caller\.\w+|Promise\.all)/gm)].map(([, name]) => name!);
}

describe("the stack of a call that failed in its replica", () => {
  it.each([
    ["synchronous", "a synchronous caller", ["Caller.synchronous"]],
    ["asynchronous", "an asynchronous caller once, where it called", ["Caller.asynchronous"]],
    ["throughAnother", "whoever awaits below who called", ["Caller.synchronous", "Caller.throughAnother"]],
    ["late", "who awaits it after it has failed", ["Caller.synchronous", "Caller.late"]],
    ["together", "who awaits it with others", ["Caller.synchronous", "Promise.all", "Caller.together"]],
    ["result", "the caller of result()", ["Caller.result"]],
    ["twice", "the caller once, although it was awaited twice", ["Caller.twice"]],
  ] as const)("shows, for %s, %s", async (method, _, frames) => {
    expect(await framesOf(method)).toEqual(frames);
  });
});
