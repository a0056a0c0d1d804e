import { describe, expect, it } from "vitest";
import { toResponse } from "../../../src/replica/http-response.ts";
import { requestScope } from "../../support/scope.ts";

const scope = requestScope();

describe("a Response that cannot be sent", () => {
  const used = async () => {
    const response = new Response("x");
    await response.text();
    return response;
  };
  const locked = () => {
    const response = new Response("x");
    response.body?.getReader();
    return response;
  };

  it.each([
    ["an error response", () => Response.error(), "Response.error()"],
    ["a proxy", () => new Proxy(new Response("x"), {}), "Proxy"],
    ["an heir", () => Object.create(Response.prototype) as Response, "inherits"],
    ["one whose body has been read", used, "clone()"],
    ["one whose body is being read", locked, "clone()"],
    ["one of another library", () => ({ status: 200, headers: {}, arrayBuffer: () => {} }), "another library"],
  ])("is refused when it is %s", async (_, make, words) => {
    const result = await make();
    const convertNow = async () => toResponse(result, scope);
    await expect(convertNow()).rejects.toThrow(words);
    await expect(convertNow()).rejects.toBeInstanceOf(TypeError);
  });
});
