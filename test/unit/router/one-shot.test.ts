import { describe, expect, it } from "vitest";
import { ReplicaUnavailableError } from "../../../src/protocol/errors.ts";
import { rejectionOf } from "../../support/rejection.ts";
import { requestMeta } from "../../support/scope.ts";
import { CALL, lost, onlyQueues, refused, scripted } from "../../support/scripted-replicas.ts";

const ONE_SHOT = { ...CALL, isOnce: true } as const;

function post(body: string, contentLength: number | undefined): Request {
  const headers = contentLength === undefined ? {} : { "content-length": String(contentLength) };
  return new Request("http://host/", { method: "POST", body, headers });
}

describe("a call that can be sent only once", () => {
  it("is sent when a slot is kept for it, under the same id", async () => {
    const { router, hops, trace } = scripted(() => "taken");
    expect(await router.call(ONE_SHOT)).toEqual({ kind: "value", value: 0 });
    expect(new Set(hops.map(({ delivery }) => delivery.id)).size).toBe(1);
    expect(trace()).toEqual(["reserve claim 0", "reserved 0"]);
  });

  it("waits for its slot before it is sent", async () => {
    const { router, trace } = scripted((hop) => (hop.delivery.isReserved === true ? "taken" : onlyQueues(hop)));
    expect(await router.call(ONE_SHOT)).toEqual({ kind: "value", value: 0 });
    expect(trace()).toEqual(["reserve claim 0", "reserve claim 1", "reserve claim 2", "queue 0"]);
  });

  it.each(["claim", "queue"] as const)("goes elsewhere when the replica is lost before it keeps a slot: %s", async (mode) => {
    const { router, trace } = scripted((hop) => {
      if (hop.replica === 0 && hop.mode === mode) throw lost();
      return hop.delivery.isReserved === true ? "taken" : mode === "queue" && hop.mode === "claim" ? refused(1) : "taken";
    });
    expect(await router.call(ONE_SHOT)).toEqual({ kind: "value", value: 1 });
    expect(trace().at(-1)).toBe(mode === "queue" ? "queue 1" : "reserved 1");
  });

  it.each([true, false])("[T3] is not sent again once it has been, onlyIfNotStarted: %s", async (onlyIfNotStarted) => {
    const { router, trace } = scripted(
      ({ delivery }) => {
        if (delivery.isReserved === true) throw lost();
        return "taken";
      },
      { options: { retries: { onlyIfNotStarted } } },
    );
    expect(await rejectionOf(router.call(ONE_SHOT))).toBeInstanceOf(ReplicaUnavailableError);
    expect(trace()).toEqual(["reserve claim 0", "reserved 0"]);
  });
});

describe("an HTTP request", () => {
  it("with a small body is sent as it is, again and again", async () => {
    const bodies: string[] = [];
    const { router, trace } = scripted(async ({ request, replica }) => {
      bodies.push(await (request as Request).text());
      return replica === 0 ? refused(1) : "taken";
    });
    await router.fetch(post("text", 4), requestMeta());
    expect(trace()).toEqual(["fetch claim 0", "fetch claim 1"]);
    expect(bodies).toEqual(["text", "text"]);
  });

  it.each([70_000, undefined])("with a body of %s bytes is sent when a slot is kept for it", async (contentLength) => {
    const { router, trace } = scripted(async ({ verb, request, replica }) => {
      if (verb === "reserve") return replica === 0 ? refused(1) : "taken";
      expect(await (request as Request).text()).toBe("text");
      return "taken";
    });
    await router.fetch(post("text", contentLength), requestMeta());
    expect(trace()).toEqual(["reserve claim 0", "reserve claim 1", "fetch reserved 1"]);
  });

  it("that has to wait waits for its slot first: once it is sent it may have begun", async () => {
    const { router, trace } = scripted((hop) => (hop.delivery.isReserved === true ? "taken" : onlyQueues(hop)));
    await router.fetch(new Request("http://host/"), requestMeta());
    expect(trace()).toEqual(["fetch claim 0", "fetch claim 1", "fetch claim 2", "queue 0", "fetch reserved 0"]);
  });
});
