import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeEnvelope, decodeReply, encodeEnvelope, encodeReply } from "../../../src/protocol/envelope.ts";
import type { Delivery, Reply, RequestMeta } from "../../../src/protocol/messages.ts";

const meta: fc.Arbitrary<RequestMeta> = fc.record(
  {
    requestId: fc.string({ unit: "binary" }),
    chain: fc.array(fc.string()),
    hops: fc.nat(12),
    routePrefix: fc.string(),
    deadline: fc.nat(),
    multiplexedModelId: fc.string({ unit: "binary" }),
    key: fc.string({ unit: "binary" }),
    traceparent: fc.string(),
  },
  { requiredKeys: ["requestId", "chain", "hops"] },
);

const delivery: fc.Arbitrary<Delivery> = fc.oneof(
  fc.record({ id: fc.string(), mode: fc.constantFrom("claim", "queue"), epoch: fc.nat() }),
  fc.record({ id: fc.string(), mode: fc.constant("queue"), epoch: fc.nat(), isReserved: fc.constant(true) }),
  fc.record({ id: fc.string(), mode: fc.constant("claim"), epoch: fc.nat(), isSpill: fc.constant(true) }),
);

describe("an envelope", () => {
  it("says what was put into it, with no field that was missing", () => {
    fc.assert(
      fc.property(meta, delivery, (sent, to) => {
        expect(decodeEnvelope(encodeEnvelope(sent, to))).toStrictEqual({ meta: { ...sent }, delivery: { ...to } });
      }),
    );
  });

  it("may have fields that this version does not know, and lack those that it knows", () => {
    expect(decodeEnvelope('["d",0,7,"r",1,["news/Rank"]]').meta).toStrictEqual({ requestId: "r", hops: 1, chain: ["news/Rank"] });
    const later = encodeEnvelope({ requestId: "r", chain: [], hops: 0, key: "k" }, { id: "d", mode: "claim" }).replace(/\]$/, ',"new"]');
    expect(decodeEnvelope(later).meta).toStrictEqual({ requestId: "r", chain: [], hops: 0, key: "k" });
  });
});

describe("a reply", () => {
  const replies: readonly Reply[] = [
    { kind: "error", error: { kind: "value", value: 1 } },
    { kind: "refused", load: { ongoing: 1, queued: 0 } },
    { kind: "value", value: { kind: "refused", load: { ongoing: 1, queued: 0 } } },
    { kind: "value", value: [1] },
    { kind: "value", value: 10n },
  ];

  it.each(replies)("that is not a scalar crosses as it is: %o", (reply) => {
    expect(encodeReply(reply)).toBe(reply);
    expect(decodeReply(encodeReply(reply))).toBe(reply);
  });

  it("with news crosses as it is, scalar or not", () => {
    const reply: Reply = { kind: "value", value: 1, set: {} as never };
    expect(encodeReply(reply)).toBe(reply);
  });

  it.each(["ok", "", 0, Number.NaN, true, null, undefined])("with the scalar %j is that scalar", (value) => {
    expect(encodeReply({ kind: "value", value })).toBe(value);
    expect(decodeReply(encodeReply({ kind: "value", value }))).toEqual({ kind: "value", value });
  });
});
