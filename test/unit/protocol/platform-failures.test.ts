import { describe, expect, it } from "vitest";
import { RequestTimeoutError } from "../../../src/protocol/errors.ts";
import { classifyFailure } from "../../../src/protocol/platform-failures.ts";

const failing = (message: string, flags: object = {}) => Object.assign(new Error(message), flags);

describe("a failure of the platform", () => {
  it.each([
    ["Durable Object is overloaded. Too many requests queued.", { overloaded: true }],
    ["Durable Object is overloaded. Requests queued for too long.", { overloaded: true, retryable: true }],
    ["Network connection lost.", { overloaded: true, durableObjectReset: true }],
  ])("is an overload when the flag says so: %s", (message, flags) => {
    expect(classifyFailure(failing(message, flags))).toBe("overloaded");
  });

  it.each([
    ["Cannot resolve Durable Object due to transient issue on remote node.", { retryable: true }],
    ["Your account is generating too much load on Durable Objects. Please back off and try again later.", {}],
  ])("never began the request: %s", (message, flags) => {
    expect(classifyFailure(failing(message, flags))).toBe("not-started");
  });

  it.each([
    ["Network connection lost.", {}],
    ["Network connection lost.", { retryable: true }],
    ["Durable Object reset because its code was updated.", { durableObjectReset: true }],
    ["Durable Object reset because its code was updated.", {}],
    ["Durable Object connection closed because the object was reset.", {}],
    ["The Durable Object's code has been updated, this Durable Object instance is no longer active.", {}],
    ["Durable Object storage operation exceeded timeout which caused object to be reset.", {}],
    ["Durable Object's isolate exceeded its memory limit and was reset.", { durableObjectReset: true }],
    ["Durable Object's isolate exceeded its memory limit and was reset.", {}],
    ["Durable Object exceeded its CPU time limit and was reset.", {}],
    ["internal error; reference = 0123456789abcdef", {}],
    ["The execution context responding to this call was canceled.", {}],
    ["something new", { durableObjectReset: true }],
    ["something new", { retryable: true }],
  ])("is a loss: %s %j", (message, flags) => {
    expect(classifyFailure(failing(message, flags))).toBe("lost");
  });

  it("is known by its message inside whatever the platform puts around it", () => {
    expect(classifyFailure({ message: "Error: Network connection lost." })).toBe("lost");
  });

  it.each([
    failing("no weights"),
    failing("something else", { retryable: false, overloaded: false, durableObjectReset: false }),
    failing("something else", { retryable: "true", overloaded: 1 }),
    new RequestTimeoutError("The request's deadline has passed."),
    new DOMException("Could not serialize object.", "DataCloneError"),
    { message: 7 },
    {},
    "Network connection lost.",
    null,
    undefined,
  ])("is none: %s", (error) => {
    expect(classifyFailure(error)).toBe("unknown");
  });
});
