/** Ray Serve's unit test test_local_testing_mode.py, translated: runLocal in its place. */
import * as serve from "edge-serve";
import { runLocal } from "edge-serve/testing";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

const lines: string[] = [];

beforeEach(() => {
  lines.length = 0;
  for (const method of ["log", "warn", "error"] as const) vi.spyOn(console, method).mockImplementation((line) => lines.push(String(line)));
});
afterEach(() => {
  vi.restoreAllMocks();
});

class Inner {
  constructor(private name: string) {}
  call(): string {
    return this.name;
  }
}

class Outer {
  constructor(
    private theodore: serve.DeploymentHandle<Inner>,
    private kevin: serve.DeploymentHandle<Inner>,
  ) {}
  async call(name: string): Promise<string> {
    const [theodore, kevin] = await Promise.all([this.theodore.remote(), this.kevin.remote()]);
    return `Hello ${name} from ${theodore} and ${kevin}!`;
  }
}

const inner = (name: string) => serve.deployment(Inner, { name }).bind(name);

it("composes", async () => {
  const app = serve.deployment(Outer).bind(inner("Theodore"), inner("Kevin"));
  expect(await runLocal(app).remote("Edith")).toBe("Hello Edith from Theodore and Kevin!");
});

class Broken {
  constructor() {
    throw new RangeError("cannot be made");
  }
  call(): string {
    return "never";
  }
}

class NeedsBroken {
  constructor(private broken: serve.DeploymentHandle<Broken>) {}
  call(): PromiseLike<string> {
    return this.broken.remote();
  }
}

it.each([
  ["outer", () => runLocal(serve.deployment(Broken).bind())],
  ["inner", () => runLocal(serve.deployment(NeedsBroken).bind(serve.deployment(Broken).bind()))],
])("raises what the %s constructor throws at the first call", async (_, run) => {
  const error = await run()
    .remote()
    .result()
    .catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(serve.DeploymentUnavailableError);
  expect((error as Error).message).toBe(
    'Deployment "Broken" of application "default" cannot start: its constructor threw RangeError: cannot be made',
  );
  expect((error as Error).cause).toBeInstanceOf(RangeError);
});

it("obeys a log level of WARNING", async () => {
  class Logs {
    call(): void {
      serve.logger.info("info");
      serve.logger.warning("warning");
    }
  }
  await runLocal(serve.deployment(Logs, { logging: { level: "WARNING" } }).bind()).remote();
  expect(lines.map((line) => (JSON.parse(line) as { message: string }).message)).toEqual(["warning"]);
});

it("runs two applications, and leaves one as it is when the other is run again", async () => {
  class Counter {
    #count = 0;
    constructor(private step: number) {}
    call(): number {
      return (this.#count += this.step);
    }
  }
  const [one, two] = [runLocal(serve.deployment(Counter).bind(1)), runLocal(serve.deployment(Counter).bind(10))];
  expect([await one.remote(), await two.remote()]).toEqual([1, 10]);
  const twoAgain = runLocal(serve.deployment(Counter).bind(100));
  expect([await one.remote(), await twoAgain.remote()]).toEqual([2, 100]);
});
