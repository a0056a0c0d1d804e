import { describe, expect, it } from "vitest";
import * as errors from "../../../src/protocol/errors.ts";
import { errorResponse, isDeliberate } from "../../../src/protocol/http-error.ts";

async function answer(thrown: unknown): Promise<{ status: number; body: string; retryAfter: string | null; type: string | null }> {
  const response = errorResponse(thrown);
  const { headers } = response;
  return {
    status: response.status,
    body: await response.text(),
    retryAfter: headers.get("retry-after"),
    type: headers.get("content-type"),
  };
}

const TEXT = "text/plain; charset=utf-8";

function throwing(): never {
  throw new Error("secret");
}

describe("errorResponse", () => {
  it.each([
    [new Error("secret")],
    ["secret"],
    [undefined],
    [null],
    [{ status: 200, message: "secret" }],
    [{ status: 600 }],
    [{ status: 404.5 }],
    [{ status: "404" }],
    [new Proxy({}, { get: throwing, getPrototypeOf: throwing })],
    [Object.defineProperty({}, "status", { get: throwing })],
    [Object.assign(new errors.MethodNotFoundError("secret"), { status: undefined })],
    [Object.assign(new errors.MethodNotFoundError("secret"), { status: 200 })],
    [new Proxy(new Response("secret"), {})],
  ])("tells a client nothing about what it does not know: row %#", async (thrown) => {
    expect(await answer(thrown)).toEqual({ status: 500, body: "Internal Server Error", retryAfter: null, type: TEXT });
    expect(isDeliberate(thrown)).toBe(false);
  });

  it.each([
    [Object.assign(new Error("no such page"), { status: 404 }), 404, "no such page"],
    [{ status: 400, message: "bad" }, 400, "bad"],
    [{ status: 599 }, 599, "Error 599"],
    [{ status: 404, message: "" }, 404, "Error 404"],
    [{ status: 404, message: { toString: null } }, 404, "Error 404"],
    [Object.assign(new Error("meant to be seen"), { status: 500 }), 500, "meant to be seen"],
  ])("gives the status and the message that %o has", async (thrown, status, body) => {
    expect(await answer(thrown)).toMatchObject({ status, body });
    // What the server did wrong is told to its operator, too.
    expect(isDeliberate(thrown)).toBe(status < 500);
  });

  it("sends a thrown Response", () => {
    const response = new Response("teapot", { status: 418 });
    expect(errorResponse(response)).toBe(response);
    expect(isDeliberate(response)).toBe(true);
  });

  it.each([
    [new errors.BackPressureError("All 4 replicas are full."), 503, "All 4 replicas are full.", "1"],
    [new errors.BackPressureError("full", { status: 429, retryAfterMs: 1500 }), 429, "full", "2"],
    [new errors.BackPressureError("full", { retryAfterMs: 0 }), 503, "full", "0"],
    [new errors.DeploymentUnavailableError("inner secret"), 503, "Service Unavailable", "1"],
    [new errors.ReplicaUnavailableError("inner secret"), 503, "Service Unavailable", "1"],
    [new errors.RequestTimeoutError("The request took longer than 5 ms."), 408, "The request took longer than 5 ms.", null],
    [new errors.RequestCancelledError("cancelled"), 499, "cancelled", null],
    [new errors.MethodNotFoundError("inner secret"), 500, "Internal Server Error", null],
    [new errors.SerializationError("inner secret"), 500, "Internal Server Error", null],
    [new errors.ConfigError("inner secret"), 500, "Internal Server Error", null],
  ])("answers %o as the contract's table says", async (thrown, status, body, retryAfter) => {
    expect(await answer(thrown)).toEqual({ status, body, retryAfter, type: TEXT });
    expect(isDeliberate(thrown)).toBe(false);
  });
});
