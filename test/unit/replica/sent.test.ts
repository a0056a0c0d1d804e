import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { currentScope, runInScope } from "../../../src/context/scope.ts";
import { RequestTimeoutError } from "../../../src/protocol/errors.ts";
import { whenSent } from "../../../src/replica/response-end.ts";
import { rejectionOf } from "../../support/rejection.ts";
import { requestScope } from "../../support/scope.ts";

const encoder = new TextEncoder();

/** A body whose chunks a test sends; notes why it was cancelled. */
function bodyOf() {
  let controller!: ReadableStreamDefaultController<Uint8Array>;
  const cancelled: unknown[] = [];
  const body = new ReadableStream<Uint8Array>({
    start: (its) => void (controller = its),
    cancel: (reason) => void cancelled.push(reason),
  });
  return { body, cancelled, send: (text: string) => controller.enqueue(encoder.encode(text)), close: () => controller.close() };
}

function sent(body: ReadableStream<Uint8Array>, scope = requestScope()) {
  const done = vi.fn();
  const response = runInScope(scope, () => whenSent(new Response(body, { status: 201 }), done));
  return { response, done, reader: (response.body as ReadableStream<Uint8Array>).getReader() };
}

describe("whenSent", () => {
  it("says at once that a response without a body has been sent", () => {
    const done = vi.fn();
    const response = new Response(null);
    expect(whenSent(response, done)).toBe(response);
    expect(done).toHaveBeenCalledOnce();
  });

  it("says once that a stream has been sent, with its last byte", async () => {
    const { body, send, close } = bodyOf();
    const { response, done, reader } = sent(body);
    expect(response.status).toBe(201);
    send("a");
    expect((await reader.read()).value).toEqual(encoder.encode("a"));
    expect(done).not.toHaveBeenCalled();
    close();
    expect((await reader.read()).done).toBe(true);
    expect(done).toHaveBeenCalledOnce();
  });

  it("stops the stream when the client goes away, and says so when it has stopped", async () => {
    const { body, cancelled } = bodyOf();
    const { done, reader } = sent(body);
    await reader.cancel("gone");
    expect(cancelled).toEqual(["gone"]);
    expect(done).toHaveBeenCalledOnce();
  });

  it.each([[{ a: 1 }], [7], [null]])("breaks off where a chunk is no text and no bytes: %j", async (chunk) => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const cancel = vi.fn();
    const { done, reader } = sent(new ReadableStream({ start: (controller) => controller.enqueue(chunk as never), cancel }));
    expect(await rejectionOf(reader.read())).toBeInstanceOf(TypeError);
    expect(done).toHaveBeenCalledOnce();
    expect(cancel).toHaveBeenCalledOnce();
    expect(log).toHaveBeenCalledOnce();
    log.mockRestore();
  });

  it("passes the stream's error on, says why in the log, and that it is over", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const failure = new Error("broken");
    const { done, reader } = sent(new ReadableStream({ pull: () => Promise.reject(failure) }));
    expect(await rejectionOf(reader.read())).toBe(failure);
    expect(done).toHaveBeenCalledOnce();
    expect(log.mock.calls.flat().join()).toContain("broken");
    log.mockRestore();
  });

  it("asks for each chunk in the scope of the request", async () => {
    const scope = requestScope();
    const scopes: unknown[] = [];
    const pull = (controller: ReadableStreamDefaultController<Uint8Array>) => {
      controller.enqueue(encoder.encode("a"));
      if (scopes.push(currentScope()) === 3) controller.close();
    };
    const { reader } = sent(new ReadableStream({ pull }, { highWaterMark: 0 }), scope);
    while (!(await reader.read()).done);
    expect(scopes).toEqual([scope, scope, scope]);
  });
});

describe("the deadline of a streamed response", () => {
  beforeEach(() => {
    vi.useFakeTimers();
    vi.spyOn(console, "warn").mockImplementation(() => {});
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  it("breaks off a stream whose next chunk never comes, stops it, and aborts its request", async () => {
    const scope = requestScope({ deadline: Date.now() + 30 });
    const { body, cancelled, send } = bodyOf();
    const { done, reader } = sent(body, scope);
    send("a");
    await reader.read();
    const next = rejectionOf(reader.read());
    await vi.advanceTimersByTimeAsync(29);
    expect(done).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    const reason = await next;
    expect(reason).toBeInstanceOf(RequestTimeoutError);
    expect([cancelled, scope.request?.signal.reason]).toEqual([[reason], reason]);
    expect(done).toHaveBeenCalledOnce();
  });

  it("leaves no timer behind when the last byte is there in time", async () => {
    const { body, close } = bodyOf();
    const { reader } = sent(body, requestScope({ deadline: Date.now() + 30 }));
    close();
    await reader.read();
    expect(vi.getTimerCount()).toBe(0);
  });
});
