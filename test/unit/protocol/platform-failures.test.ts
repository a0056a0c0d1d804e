import { describe, expect, it } from "vitest";
import { classifyFailure, explainRefusal, NOT_UNDERSTOOD } from "../../../src/protocol/platform-failures.ts";

const failing = (message: string, flags: object = {}) => Object.assign(new Error(message), flags);

describe("a failure of the platform", () => {
  it.each([
    ["Durable Object is overloaded. Too many requests queued.", { overloaded: true }],
    ["Durable Object is overloaded. Requests queued for too long.", { overloaded: true, retryable: true }],
    ["Network connection lost.", { overloaded: true, durableObjectReset: true }],
  ])("is an overload when the flag says so: %s", (message, flags) => {
    expect(classifyFailure(failing(message, flags))).toBe("overloaded");
  });

  it("is none of a request that the replica says it did not begin", () => {
    expect(classifyFailure(failing(`${NOT_UNDERSTOOD}: it runs older code.`))).toBe("not-started");
  });

  it.each([
    ["Network connection lost.", {}],
    ["Network connection lost.", { retryable: true }],
    // Whatever the message says: the request was sent, and nobody knows what became of it.
    ["Cannot resolve Durable Object due to transient issue on remote node.", { retryable: true }],
    ["Your account is generating too much load on Durable Objects. Please back off and try again later.", {}],
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
    failing("something new"),
    failing("something new", { retryable: false, overloaded: false, durableObjectReset: false }),
    failing("something new", { retryable: "true", overloaded: 1 }),
    Object.assign(new TypeError("died"), { durableObjectReset: true }),
    { message: 7 },
    {},
    "Network connection lost.",
    null,
    undefined,
  ])("is a loss unless it is known to be something else: %s", (error) => {
    expect(classifyFailure(error)).toBe("lost");
  });

  it.each([
    new DOMException("Could not serialize object.", "DataCloneError"),
    new DOMException("The client has gone.", "AbortError"),
    new TypeError("Body has already been used."),
    new RangeError("Maximum call stack size exceeded"),
    failing("Serialized RPC arguments or return values are limited to 32MiB, but the size of this value was: 40000000 bytes."),
  ])("is no loss when it is about a value: %s", (error) => {
    expect(classifyFailure(error)).toBe("unsendable");
  });
});

describe("explainRefusal", () => {
  it("says what is too large", () => {
    const error = new Error(
      "Serialized RPC arguments or return values are limited to 32MiB, but the size of this value was: 40000000 bytes.",
    );
    expect(explainRefusal(error, "An argument")).toMatchObject({
      code: "SERIALIZATION",
      message: expect.stringContaining("larger than 32 MiB"),
      cause: error,
    });
  });

  it("keeps the platform's reason", () => {
    const error = new DOMException("Could not serialize", "DataCloneError");
    expect(explainRefusal(error, "An argument")).toMatchObject({
      code: "SERIALIZATION",
      message: "An argument cannot be sent: Could not serialize",
    });
  });

  it("returns everything else as it is", () => {
    const error = new Error("Network connection lost.");
    expect(explainRefusal(error, "An argument")).toBe(error);
    expect(explainRefusal("text", "An argument")).toBe("text");
  });
});
