/** Handlers that throw, log and answer with values of every kind. */
import { env } from "cloudflare:workers";
import * as serve from "edge-serve";
import { Hono } from "hono";

class Leaf {
  items(): number {
    return 1;
  }
}

function itsOwnCause(): Error {
  const error = new Error("circular");
  error.cause = error;
  return error;
}

const THROWN: Readonly<Record<string, () => unknown>> = {
  cause: itsOwnCause,
  member: () => ((error) => Object.assign(error, { errors: Array(12).fill(error) }))(new AggregateError([], "members")),
  message: () =>
    new (class extends Error {
      override get message(): string {
        throw new Error("no");
      }
    })(),
  record: () => ({ toString: null }),
  name: () => Object.assign(new Error("nameless"), { name: Object.create(null) as unknown }),
  revoked: () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  },
};

class Root {
  constructor(readonly leaf: serve.DeploymentHandle<Leaf>) {}

  fetch(request: Request): unknown {
    const [, what = "", which = ""] = new URL(request.url).pathname.split("/");
    if (what === "throw") throw THROWN[which]!();
    if (what === "answer") return { a: [1, { "b c": this.#answer(which) }] };
    if (what === "log") return this.#log(which);
    return "ok";
  }

  #answer(which: string): unknown {
    const answers: Readonly<Record<string, () => unknown>> = {
      map: () => new Map([["a", 1]]),
      response: () => this.leaf.items.remote(),
      handle: () => this.leaf,
      method: () => this.leaf.items,
      generator: () => (async function* () {})(),
      converted: () => ({ toJSON: () => new Set([1]) }),
    };
    return answers[which]!();
  }

  #log(which: string): string {
    const context = serve.getReplicaContext();
    const fields: Readonly<Record<string, () => unknown>> = {
      bindings: () => [context.env, { context: { env: context.env } }, { env }],
      large: () => [new Uint8Array(3_000_000), "x".repeat(2_000_000)],
      self: itsOwnCause,
    };
    serve.logger.info("seen", { value: fields[which]!(), last: "here", message: "forged" });
    return "logged";
  }
}

class Routed {
  readonly name = "routed";
}
const hono = new Hono<{ Bindings: { replica: Routed } }>().get("/", (c) => {
  serve.logger.info("seen by Hono", { c, env: c.env });
  return c.text("logged");
});

export const root = serve.deployment(Root, { maxOngoingRequests: 5 }).bind(serve.deployment(Leaf).bind());
export const routed = serve.deployment(serve.ingress(hono)(Routed)).bind();
