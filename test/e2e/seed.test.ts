/** Every code example of Ray Serve's "Key Concepts", in workerd, over HTTP and by handle. */
import { runLocal, serve, type Server } from "edge-serve/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as seed from "./apps/seed.ts";

let server: Server;

beforeAll(async () => {
  server = await serve("test/e2e/apps/seed.yaml");
});
afterAll(() => server?.stop());

const textOf = async (path: string, init?: RequestInit) => (await server.fetch(path, init)).text();

const post = (path: string, body: string) => server.fetch(path, { method: "POST", body });

describe('"Deployment": MyFirstDeployment, bound to "Hello world!"', () => {
  it("returns the message over HTTP", async () => {
    expect(await textOf("/first")).toBe("Hello world!");
  });

  it("returns the message by handle", async () => {
    expect(await server.handle<typeof seed.myFirstDeployment>("first").remote().result()).toBe("Hello world!");
  });

  it("returns the message in this process", async () => {
    expect(await runLocal(seed.myFirstDeployment).remote()).toBe("Hello world!");
  });
});

describe('"DeploymentHandle (composing deployments)": Ingress, bound to Hello and World', () => {
  it("joins both answers over HTTP", async () => {
    expect(await textOf("/")).toBe("Hello world!");
  });

  it("joins both answers by handle: a handle also calls the ingress deployment of an application", async () => {
    expect(await server.handle<typeof seed.composed>("composed").remote().result()).toBe("Hello world!");
  });

  it("joins both answers in this process", async () => {
    expect(await runLocal(seed.composed).remote()).toBe("Hello world!");
  });

  it("runs each deployment in a replica of its own, under one request id", async () => {
    const requestId = crypto.randomUUID();
    await textOf("/", { headers: { "x-request-id": requestId } });
    await server.waitForLog(({ fields }) => fields["requestId"] === requestId && fields["deployment"] === "Ingress");
    const replicas = server.logs().filter(({ fields }) => fields["requestId"] === requestId);
    expect(replicas.map(({ fields }) => fields["replica"]).toSorted()).toEqual([
      "composed/Hello/-/0.0",
      "composed/Ingress/-/0.0",
      "composed/World/-/0.0",
    ]);
  });
});

describe('"Ingress deployment (HTTP handling)": MostBasicIngress', () => {
  it("reads the name from the JSON body", async () => {
    expect(await (await post("/basic", '{"name":"Corey"}')).text()).toBe("Hello Corey!");
  });

  it("answers 400 to a body that is not JSON", async () => {
    expect((await post("/basic", "Corey")).status).toBe(400);
  });

  it("takes a Request by handle too", async () => {
    const request = new Request("http://app/", { method: "POST", body: '{"name":"Corey"}' });
    const handle = server.handle<typeof seed.mostBasicIngress>("basic");
    expect(await handle.remote(request)).toBe("Hello Corey!");
  });

  it("takes a Request in this process", async () => {
    const request = new Request("http://app/", { method: "POST", body: '{"name":"Corey"}' });
    expect(await runLocal(seed.mostBasicIngress).remote(request)).toBe("Hello Corey!");
  });
});

describe('"For more expressive HTTP handling": a router in place of FastAPI', () => {
  it.each(["/routed/Corey", "/hono/Corey"])("GET %s is given to the replica's method", async (path) => {
    expect(await textOf(path)).toBe("Hello Corey!");
  });

  it.each(["/routed/Corey/more", "/hono/Corey/more"])("GET %s, which no route matches, is 404", async (path) => {
    expect((await server.fetch(path)).status).toBe(404);
  });

  it("keeps the class's methods callable by handle", async () => {
    expect(await server.handle<typeof seed.routed>("routed").sayHi.remote("Corey")).toBe("Hello Corey!");
    expect(await server.handle<typeof seed.honoRouted>("hono").sayHi.remote("Corey")).toBe("Hello Corey!");
    expect(await runLocal(seed.routed).sayHi.remote("Corey")).toBe("Hello Corey!");
  });
});
