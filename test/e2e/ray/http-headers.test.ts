/** Ray Serve's test_http_headers.py, translated. */
import { serve, type Server } from "edge-serve/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

let server: Server;

beforeAll(async () => {
  server = await serve("test/e2e/ray/apps/http-headers.yaml");
});
afterAll(() => server.stop());

const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe.each(["/plain", "/response", "/routed"])("the request id at %s", (path) => {
  it("is a new UUID where the client gives none, in the handler and on the response", async () => {
    const response = await server.fetch(path);
    const seen = await response.text();
    expect(seen).toMatch(UUID_V4);
    expect(response.headers.get("x-request-id")).toBe(seen);
  });

  it.each(["X-Request-ID", "x-request-id", "X-REQUEST-ID"])("is the client's, by the header %s", async (header) => {
    const response = await server.fetch(path, { headers: { [header]: "123-234" } });
    expect([await response.text(), response.headers.get("x-request-id")]).toEqual(["123-234", "123-234"]);
  });
});
