import { describe, expect, it } from "vitest";
import { RequestCancelledError } from "../../../src/protocol/errors.ts";
import { resendable } from "../../../src/router/send.ts";

const KEPT_BYTES = 64 * 1024;

function post(body: string | ReadableStream, contentLength: string | undefined): Request {
  const headers = { "x-a": "1", ...(contentLength === undefined ? {} : { "content-length": contentLength }) };
  return new Request("http://host/a?b=1", { method: "POST", body, headers, duplex: "half" } as RequestInit);
}

describe("a request that may be sent again", () => {
  it("without a body is itself, each time", async () => {
    const request = new Request("http://host/");
    const prepared = await resendable(request);
    expect(prepared.isOnce).toBe(false);
    expect([prepared.request(), prepared.request()]).toEqual([request, request]);
  });

  it("with a small body carries it each time, as the same request", async () => {
    const prepared = await resendable(post("text", "4"));
    expect(prepared.isOnce).toBe(false);
    for (let attempt = 0; attempt < 3; attempt++) {
      const request = prepared.request();
      expect([request.method, request.url, request.headers.get("x-a"), await request.text()]).toEqual([
        "POST",
        "http://host/a?b=1",
        "1",
        "text",
      ]);
    }
  });

  it("is still stopped by the signal that it came with", async () => {
    const client = new AbortController();
    const prepared = await resendable(new Request(post("text", "4"), { signal: client.signal }));
    const again = prepared.request();
    client.abort();
    expect(again.signal.aborted).toBe(true);
  });

  it.each(["GET", "HEAD"])("is left unread when it is a %s, which cannot be built anew with a body", async (method) => {
    // As a client sends it: no such request can be constructed.
    const request = Object.defineProperty(post("text", "4"), "method", { value: method });
    const prepared = await resendable(request);
    expect([prepared.isOnce, prepared.request() === request, request.bodyUsed]).toEqual([true, true, false]);
  });

  it("is cancelled when its body breaks off", async () => {
    const broken = new ReadableStream({ pull: () => Promise.reject(new Error("Network connection lost.")) });
    await expect(resendable(post(broken, "4"))).rejects.toBeInstanceOf(RequestCancelledError);
  });

  it("is a mistake of the sender's when its body has been read", async () => {
    const request = post("text", "4");
    await request.text();
    await expect(resendable(request)).rejects.toBeInstanceOf(TypeError);
  });

  it("is kept up to 64 KiB, and left unread beyond", async () => {
    const kept = await resendable(post("a".repeat(KEPT_BYTES), String(KEPT_BYTES)));
    const large = post("a".repeat(KEPT_BYTES + 1), String(KEPT_BYTES + 1));
    const left = await resendable(large);
    expect([kept.isOnce, left.isOnce]).toEqual([false, true]);
    expect(left.request()).toBe(large);
    expect(large.bodyUsed).toBe(false);
  });

  it.each([undefined, "", "many"])("is left unread when its length is said to be %j", async (contentLength) => {
    const endless = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(1024)) });
    const request = post(endless, contentLength);
    const prepared = await resendable(request);
    expect([prepared.isOnce, prepared.request() === request, request.bodyUsed]).toEqual([true, true, false]);
  });
});
