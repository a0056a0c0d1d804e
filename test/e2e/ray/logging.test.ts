/** Ray Serve's test_logging.py, translated. */
import { serve, type Server } from "edge-serve/testing";
import { afterAll, beforeAll, expect, it } from "vitest";

let server: Server;

beforeAll(async () => {
  server = await serve("test/e2e/ray/apps/logging.yaml", { quiet: true });
});
afterAll(() => server.stop());

async function get(path: string, requestId: string): Promise<number> {
  return (await server.fetch(path, { headers: { "x-request-id": requestId } })).status;
}

const logged = (requestId: string, text: RegExp) => server.waitForLog((line) => line.requestId === requestId && text.test(line.message));

it("logs each request with its method, its route, its status and how long it took", async () => {
  expect(await get("/", "ok")).toBe(200);
  expect((await logged("ok", /^GET \/ 200 \d+ms$/)).level).toBe("INFO");
});

it("logs the status that a router's handler chose", async () => {
  expect(await get("/routed/350", "status")).toBe(350);
  await logged("status", /^GET \/routed 350 \d+ms$/);
});

it("logs 500 for a handler that fails, and the error with its stack", async () => {
  expect(await get("/fail", "fails")).toBe(500);
  await logged("fails", /^GET \/ 500 \d+ms$/);
  const line = await logged("fails", /^OOPS!$/);
  expect([line.level, String(line.fields["error"])]).toEqual(["ERROR", expect.stringMatching(/^RangeError: OOPS!\n\s+at /)]);
});

it("writes JSON lines with the request, the deployment and the replica", async () => {
  await get("/model", "json");
  const line = await logged("json", /^model says$/);
  expect(JSON.parse(String(line))).toEqual({
    level: "INFO",
    message: "model says",
    app: "plain",
    deployment: "Model",
    replica: "plain/Model/-/0.0",
    requestId: "json",
    route: "/",
    traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
    spanId: expect.stringMatching(/^[0-9a-f]{16}$/),
    text: "hello",
  });
});

it("logs a handle's call with its method, and OK or ERROR", async () => {
  await get("/model", "call-ok");
  await logged("call-ok", /^CALL say OK \d+ms$/);
  await get("/model-fails", "call-fails");
  await logged("call-fails", /^CALL fail ERROR \d+ms$/);
});

it("leaves out what is below the level, and the access log where it is switched off", async () => {
  expect([await get("/", "fine"), await get("/quiet/", "quiet")]).toEqual([200, 200]);
  await logged("fine", /^GET \/ 200/);
  const lines = server.logs().filter(({ requestId, deployment }) => requestId === "fine" || deployment === "Quiet");
  expect(lines.map(({ message }) => message)).toEqual([expect.stringMatching(/^GET \/ 200/)]);
});
