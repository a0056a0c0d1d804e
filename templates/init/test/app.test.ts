import { runLocal, serve } from "edge-serve/testing";
import { expect, it } from "vitest";
import { app } from "../src/app.ts";

it("greets, in this process", async () => {
  expect(await runLocal(app).remote()).toBe("Hello world!");
});

it("greets over HTTP and through a handle, in workerd", async () => {
  await using server = await serve("src/app.ts:app");
  expect(await (await server.fetch("/")).text()).toBe("Hello world!");
  expect(await server.handle<typeof app>().remote()).toBe("Hello world!");
});
