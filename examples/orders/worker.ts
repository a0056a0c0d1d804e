/** The Worker: what reaches it from outside, by HTTP, by a queue and by the clock. What is done about it is in the deployments. */
import * as serve from "edge-serve";
import { AutoRouter, type IRequest, json, StatusError } from "itty-router";
import type { app } from "./app.ts";
import type { Env } from "./env.ts";
import type { Line, Pricing } from "./pricing.ts";

const orders = serve.getAppHandle<typeof app>("orders");
const pricing = serve.getDeploymentHandle<Pricing>("Pricing", "orders");

const router = AutoRouter<IRequest, [env: Env]>()
  .post("/quotes", async (request) => ({ total: await pricing.total.remote(await linesOf(request)) }))
  .post("/orders", async (request, env) => {
    const order = await orders.place.remote(await linesOf(request));
    // If this fails the order is there all the same, and the cron sends it.
    await env.PLACED.send(order.id);
    return json(order, { status: 202 });
  })
  .get("/orders/:id", async ({ params }) => {
    const order = await orders.find.remote(String(params["id"]));
    if (order === null) throw new StatusError(404, "There is no such order.");
    return order;
  });

async function linesOf(request: IRequest): Promise<Line[]> {
  try {
    return await request.json();
  } catch {
    throw new StatusError(400, "The body is not JSON.");
  }
}

export default {
  fetch: (request, env) => router.fetch(request, env),

  /** Each message becomes a task, and the queue is done with it. A message that is delivered twice has the same id: one task. */
  async queue(batch) {
    await Promise.all(
      batch.messages.map(async (message) => {
        try {
          await orders.options({ idempotencyKey: message.id }).fulfil.enqueue(message.body);
          message.ack();
        } catch (error) {
          serve.logger.warn("not enqueued", { message: message.id, error });
          message.retry();
        }
      }),
    );
  },

  async scheduled(_controller, env) {
    const ids = await orders.overdue.remote();
    if (ids.length > 0) await env.PLACED.sendBatch(ids.map((body) => ({ body })));
  },
} satisfies ExportedHandler<Env, string>;
