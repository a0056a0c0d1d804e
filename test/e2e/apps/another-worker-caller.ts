/** A Worker of its own, which calls the applications of another one over service bindings: `/<act>/<id>`. */
import { DurableObject } from "cloudflare:workers";
import * as client from "edge-serve/client";
import type { app } from "./another-worker.ts";

const { connect, getTask } = client;
type Binding = "SHOP" | "LIMITED" | "CLOSED" | "NONE" | "MISSPELLED" | "NO_LIST" | "PLAIN";

interface Env extends Readonly<Record<Binding, Fetcher>> {
  readonly SEEN: DurableObjectNamespace<Seen>;
}

const shop = (env: Env, name = "main", binding: Binding = "SHOP") => connect<typeof app>(env[binding], { app: name });

// The types of a handle cannot say that a result is of its argument's type.
const echo = <T>(env: Env, value: T) => shop(env).echo.remote(value) as PromiseLike<T>;

/** What is looked at of whatever was thrown. */
interface Thrown {
  readonly name?: string;
  readonly message?: string;
  readonly code?: string;
  readonly value?: unknown;
  readonly stack?: string;
  readonly cause?: unknown;
}

// As it stands in an answer.
const said = (error: Thrown): Thrown & { readonly classes: readonly string[] } => ({
  ...(error.name === undefined ? {} : { name: error.name }),
  ...(error.message === undefined ? {} : { message: error.message }),
  ...(error.code === undefined ? {} : { code: error.code }),
  classes: [
    Error,
    TypeError,
    RangeError,
    client.ServeError,
    client.DeploymentUnavailableError,
    client.RequestTimeoutError,
    client.RequestCancelledError,
    client.SerializationError,
    client.MethodNotFoundError,
    client.ReplicaUnavailableError,
    client.ConfigError,
    client.TaskNotFoundError,
  ]
    .filter((one) => error instanceof one)
    .map(({ name }) => name),
  value: error.value,
  ...(error.stack === undefined ? {} : { stack: error.stack }),
  cause: error.cause instanceof Error ? said(error.cause as Thrown) : error.cause,
});
const failure = (promise: PromiseLike<unknown>) =>
  promise.then(
    (value) => ({ value }),
    (error: unknown) => said(error as Thrown),
  );
const streamOf = <T>(...chunks: T[]) =>
  new ReadableStream<T>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
const chunks = (...texts: string[]) => streamOf(...texts.map((text) => new TextEncoder().encode(text)));
const all = async (items: AsyncIterable<unknown>) => {
  const seen: unknown[] = [];
  try {
    for await (const item of items) seen.push(item);
  } catch (error) {
    return { seen, error: said(error as Thrown) };
  }
  return { seen };
};

const ACTS: Record<string, (env: Env, id: string) => unknown> = {
  default: (env) => shop(env).remote("Ada"),
  nothing: async (env) => String(await shop(env).nothing.remote()),
  values: async (env) => {
    const value = {
      map: new Map([["a", new Set([1n])]]),
      date: new Date(0),
      bytes: new Uint8Array([1, 2]),
      none: undefined,
      nan: NaN,
      bare: Object.assign(Object.create(null), { x: 1 }),
    };
    const back = await echo(env, value);
    return [
      [...back.map.get("a")!].map(String),
      back.date.toISOString(),
      [...back.bytes],
      "none" in back,
      back.nan !== back.nan,
      back.bare,
    ];
  },
  "error as a value": async (env) => said(await echo(env, new RangeError("carried"))),
  unsent: (env) => failure(shop(env).echo.remote({ a: [() => {}] })),
  "a handle": (env) => failure(shop(env).echo.remote(shop(env) as never)),
  "a response": (env) => shop(env).echo.remote(shop(env).echo.remote("awaited there") as never),
  large: (env) => failure(shop(env).echo.remote("x".repeat(33 * 2 ** 20))),
  options: (env) =>
    shop(env)
      .options({ requestId: "mine.1", traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", multiplexedModelId: "m" })
      .about.remote(),
  keyed: async (env) => new Set(await Promise.all(Array.from({ length: 12 }, () => shop(env).options({ key: "k" }).who.remote()))).size,
  broadcast: async (env) => (await shop(env).who.broadcast()).map((one) => one.status === "fulfilled" && one.value).toSorted(),
  "bytes in": (env) => shop(env).read.remote(chunks("a", "b", "c")),
  "text in": (env) => shop(env).read.remote(streamOf("a", "b") as never),
  "objects in": (env) => failure(shop(env).read.remote(streamOf({ a: 1 }) as never)),
  "request in": (env) =>
    shop(env).readRequest.remote(new Request("http://x/", { method: "PUT", headers: { "x-mine": "1" }, body: "body" })),
  "both ways": async (env) => {
    const { readable, writable } = new IdentityTransformStream();
    const writer = writable.getWriter();
    const reader = (await shop(env).upper.remote(readable)).getReader();
    const seen: string[] = [];
    for (const word of ["one", "two"]) {
      void writer.write(new TextEncoder().encode(word));
      seen.push(new TextDecoder().decode((await reader.read()).value));
    }
    void writer.close();
    return [...seen, (await reader.read()).done];
  },
  "bytes out": async (env) => new Response(await shop(env).slow.remote()).text(),
  "nested bytes": async (env) => new Response((await echo(env, { in: [chunks("nested")] })).in[0]).text(),
  "objects out": async (env) => failure(new Response(await shop(env).wrongStream.remote()).text()),
  response: async (env) => {
    const response = await shop(env).respond.remote();
    return [response.status, response.headers.get("x-mine"), await response.text()];
  },
  generator: async (env) => all(shop(env).count.remote(1000)),
  "broken generator": (env) => all(shop(env).breaks.remote()),
  "left loop": async (env, id) => {
    for await (const n of shop(env).endless.remote(id)) if (n === 3) return n;
  },
  "cancelled stream": async (env, id) => {
    const items = shop(env).endless.remote(id);
    const seen: number[] = [];
    for await (const n of items) if (seen.push(n) === 2) items.cancel();
    return seen.length >= 2;
  },
  "late stream": async (env, id) => {
    const { seen, error } = await all(shop(env).options({ timeoutMs: 1000 }).endless.remote(id));
    return [seen.length > 1, error?.code];
  },
  fail: (env) => failure(shop(env).fail.remote()),
  deep: (env) => failure(shop(env).deep.remote()),
  text: (env) =>
    shop(env)
      .throwText.remote()
      .then(
        () => "no",
        (error) => error,
      ),
  "no method": (env) => failure(connect<Record<"nope", () => void>>(env.SHOP, { app: "main" }).nope.remote()),
  cancel: async (env, id) => {
    const held = shop(env).hold.remote(id);
    await env.SEEN.getByName("x").until(id);
    held.cancel();
    return failure(held);
  },
  abort: async (env, id) => {
    const leaving = new AbortController();
    const held = shop(env).options({ signal: leaving.signal }).hold.remote(id);
    await env.SEEN.getByName("x").until(id);
    leaving.abort();
    return failure(held);
  },
  deadline: (env, id) => failure(shop(env).options({ timeoutMs: 1000 }).hold.remote(id)),
  gone: (env, id) => env.SEEN.getByName(id).hold(id),
  "gone stream": (env, id) => env.SEEN.getByName(id).loop(id),
  die: (env, id) =>
    env.SEEN.getByName(id)
      .die()
      .catch(() => {}),
  task: async (env) => {
    const task = await shop(env).options({ key: "k" }).echo.enqueue("later");
    const again = getTask<string>(shop(env), task.id);
    return [await again.result({ timeoutMs: 20_000 }), (await again.status()).state];
  },
  "other's task": (env) => failure(getTask(shop(env), "closed.0.1").status()),
  "enqueued nowhere": (env) => failure(shop(env, "nowhere").echo.enqueue(1)),
  closed: (env) => failure(shop(env, "closed").remote()),
  nowhere: (env) => failure(shop(env, "constructor").remote()),
  "limited, allowed": (env) => failure(shop(env, "main", "LIMITED").remote("Bob")),
  "limited, refused": (env) => failure(shop(env, "second", "LIMITED").remote()),
  "limited, closed": (env) => failure(shop(env, "closed", "CLOSED").remote()),
  "limited to none": (env) => failure(shop(env, "main", "NONE").remote()),
  misspelled: (env) => failure(shop(env, "main", "MISSPELLED").remote()),
  "no list": (env) => failure(shop(env, "main", "NO_LIST").remote()),
  "limited, tasks": (env) => failure(getTask(shop(env, "second", "LIMITED"), "second.0.1").status()),
  "no entrypoint": (env) => failure(shop(env, "main", "PLAIN").remote()),
  "no binding": (env) => failure((async () => connect((env as unknown as { NO_SUCH: Fetcher }).NO_SUCH))()),
  "in an object": (env) => env.SEEN.getByName("calls").calls(20),
  "by hand": (env) => {
    const service = env.SHOP as unknown as {
      open(app: unknown): { readonly call: { answer(call: unknown): Promise<{ readonly value?: unknown; readonly error?: Thrown }> } };
    };
    const sent: [app: unknown, call: unknown][] = [
      ["main", { args: [], options: {}, deployment: "Inner", method: "class" }],
      ["main", { args: 7 }],
      ["main", undefined],
      [{ toString: 1 }, { args: [] }],
    ];
    return Promise.all(
      sent.map(async ([app, call]) => {
        const { error, value } = await service.open(app).call.answer(call);
        return value ?? error?.code;
      }),
    );
  },
};

/** Holds what the log of the other Worker is asked for: an event to await. */
export class Seen extends DurableObject<Env> {
  #told = new Map<string, PromiseWithResolvers<void>>();
  #of(id: string) {
    if (!this.#told.has(id)) this.#told.set(id, Promise.withResolvers());
    return this.#told.get(id)!;
  }
  until(id: string) {
    return this.#of(id).promise;
  }
  tell(id: string) {
    this.#of(id).resolve();
  }
  hold(id: string) {
    return shop(this.env).hold.remote(id).result();
  }
  async loop(id: string) {
    for await (const n of shop(this.env).endless.remote(id)) if (n === 3) console.log('"begun ' + id + '"');
  }
  die() {
    this.ctx.abort("gone");
  }
  async calls(times: number) {
    const seen: unknown[] = [];
    for (let n = 0; n < times; n++) seen.push(await shop(this.env).echo.remote(n));
    return seen.length;
  }
}

export default {
  async fetch(request: Request, env: Env) {
    const url = new URL(request.url);
    const [act = "", id = ""] = url.pathname.slice(1).split("/").map(decodeURIComponent);
    if (act === "tell") return Response.json((await env.SEEN.getByName("x").tell(id)) ?? null);
    try {
      return Response.json((await ACTS[act]!(env, id)) ?? null);
    } catch (error) {
      return Response.json({ uncaught: said(error as Thrown) }, { status: 500 });
    }
  },
};
