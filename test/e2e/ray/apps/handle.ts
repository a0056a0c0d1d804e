/** The deployments of Ray Serve's test_handle_1.py, translated. */
import * as serve from "edge-serve";
import { signals } from "./signals.ts";

class OnlyExists {
  exists(): string {
    return "exists";
  }
}

class TwoMethods {
  methodA(): string {
    return "method_a";
  }
  methodB(): string {
    return "method_b";
  }
}

class Echo {
  async call(waitFor: string | null, text: string): Promise<string> {
    if (waitFor !== null) await signals().wait.remote(waitFor);
    return `(${text})`;
  }
}

function greet(name: string): string {
  return `Hi ${name}`;
}

class Hello {
  call(): string {
    return "hello";
  }
}

class Passer {
  call(handle: serve.DeploymentHandle<Hello>): PromiseLike<string> {
    return handle.remote();
  }
}

interface Handles {
  readonly onlyExists: serve.DeploymentHandle<OnlyExists>;
  readonly twoMethods: serve.DeploymentHandle<TwoMethods>;
  readonly echo: serve.DeploymentHandle<Echo>;
  readonly greet: serve.DeploymentHandle<typeof greet>;
  readonly hello: serve.DeploymentHandle<Hello>;
  readonly passer: serve.DeploymentHandle<Passer>;
}

/** Calls the others as one deployment calls another. */
class Driver {
  constructor(private handles: Handles) {}

  /** What becomes of a call to a method that is not there, awaited and by `result()`. */
  async missing(): Promise<string[]> {
    const loose = this.handles.onlyExists as unknown as { does_not_exist: serve.RemoteMethod<[], string> };
    const describe = (error: Error) => `${error instanceof serve.MethodNotFoundError} ${error.message}`;
    const awaited = Promise.resolve(loose.does_not_exist.remote()).then(String, describe);
    return Promise.all([awaited, loose.does_not_exist.remote().result().then(String, describe)]);
  }

  async chained(): Promise<string[]> {
    const handle = this.handles.twoMethods.options({ timeoutMs: 60_000 }).options({ key: "k" });
    return [await handle.methodA.remote(), await handle.methodB.remote(), await handle.options({}).methodA.remote()];
  }

  sameHandles(): boolean[] {
    const all = Array.from({ length: 100 }, () => [serve.getAppHandle("default"), serve.getDeploymentHandle("Hello")] as const);
    return [new Set(all.map(([app]) => app)).size === 1, new Set(all.map(([, deployment]) => deployment)).size === 1];
  }

  async responsesAsArguments(waitFor: string): Promise<string[]> {
    const r1 = this.handles.echo.remote(waitFor, "r1");
    const r2 = this.handles.echo.remote(null, r1);
    const r3 = this.handles.echo.remote(null, r1);
    return Promise.all([r2, r3]);
  }

  greet(name: string): PromiseLike<string> {
    return this.handles.greet.remote(name);
  }

  passed(): PromiseLike<string> {
    return this.handles.passer.remote(this.handles.hello);
  }
}

export const app = serve.deployment(Driver).bind({
  onlyExists: serve.deployment(OnlyExists).bind(),
  twoMethods: serve.deployment(TwoMethods).bind(),
  echo: serve.deployment(Echo).bind(),
  greet: serve.deployment(greet).bind(),
  hello: serve.deployment(Hello).bind(),
  passer: serve.deployment(Passer).bind(),
});
