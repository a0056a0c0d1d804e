import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  checkUnderstood,
  decodeEnvelope,
  decodeReply,
  encodeEnvelope,
  encodeReply,
  PROTOCOL,
  refuseUnread,
  type WireReply,
} from "../../../src/protocol/envelope.ts";
import type { Delivery, Reply, RequestMeta } from "../../../src/protocol/messages.ts";
import { classifyFailure } from "../../../src/protocol/platform-failures.ts";

const anyMeta: fc.Arbitrary<RequestMeta> = fc.record(
  {
    requestId: fc.string({ unit: "binary" }),
    chain: fc.array(fc.string()),
    hops: fc.nat(12),
    routePrefix: fc.string(),
    hasSlash: fc.constant(true as const),
    isTraced: fc.constant(true as const),
    deadline: fc.nat(),
    multiplexedModelId: fc.string({ unit: "binary" }),
    key: fc.string({ unit: "binary" }),
    traceparent: fc.string(),
    tracestate: fc.string(),
    task: fc.record({ id: fc.string(), attempt: fc.integer({ min: 1 }) }, { noNullPrototype: true }),
    traffic: fc.nat(),
    shadow: fc.constant(true as const),
  },
  { requiredKeys: ["requestId", "chain", "hops"] },
);
// A tracestate goes with the traceparent that it came with.
const meta = anyMeta.map(({ tracestate, ...rest }) =>
  rest.traceparent === undefined || tracestate === undefined ? rest : { ...rest, tracestate },
);

const delivery: fc.Arbitrary<Delivery> = fc.oneof(
  fc.record({ id: fc.string(), mode: fc.constantFrom("claim", "queue"), epoch: fc.nat() }),
  fc.record({ id: fc.string(), mode: fc.constant("queue"), epoch: fc.nat(), isReserved: fc.constant(true) }),
  fc.record({ id: fc.string(), mode: fc.constant("claim"), epoch: fc.nat(), isSpill: fc.constant(true) }),
  fc.record({ id: fc.string(), mode: fc.constantFrom("claim", "queue"), epoch: fc.nat(), wantsState: fc.constant(true) }),
);

const KNOWN_FIELDS = 18;
const PROTOCOL_FIELD = 11;

/** An envelope with all fields, the protocol that it needs, and what a later version of the code adds. */
function asWrittenLater(
  sent: RequestMeta,
  to: Delivery,
  { protocol, added = [] }: { protocol?: number; added?: readonly unknown[] },
): string {
  const fields = JSON.parse(encodeEnvelope(sent, to)) as unknown[];
  while (fields.length < KNOWN_FIELDS) fields.push(null);
  fields[PROTOCOL_FIELD] = protocol;
  return JSON.stringify([...fields, ...added]);
}

describe("an envelope", () => {
  it("says what was put into it, with no field that was missing", () => {
    fc.assert(
      fc.property(meta, delivery, (sent, to) => {
        expect(decodeEnvelope(encodeEnvelope(sent, to))).toStrictEqual({ meta: { ...sent }, delivery: { ...to } });
      }),
    );
  });

  it("may lack fields that this version knows", () => {
    expect(decodeEnvelope('["d",0,7,"r",1,["news/Rank"]]')?.meta).toStrictEqual({ requestId: "r", hops: 1, chain: ["news/Rank"] });
  });

  it("[P1] may have fields that this version does not know, whatever they hold", () => {
    fc.assert(
      fc.property(meta, delivery, fc.array(fc.jsonValue(), { maxLength: 4 }), (sent, to, added) => {
        expect(decodeEnvelope(asWrittenLater(sent, to, { added }))).toStrictEqual({ meta: { ...sent }, delivery: { ...to } });
      }),
    );
  });

  it("[P1] is read, though newer code wrote it, as long as it needs no newer protocol", () => {
    fc.assert(
      fc.property(meta, delivery, fc.integer({ min: 1, max: PROTOCOL }), (sent, to, protocol) => {
        expect(decodeEnvelope(asWrittenLater(sent, to, { protocol }))).toStrictEqual({ meta: { ...sent }, delivery: { ...to } });
      }),
    );
  });

  it("[P2] is not understood when it needs a newer protocol", () => {
    fc.assert(
      fc.property(meta, delivery, fc.integer({ min: PROTOCOL + 1 }), fc.array(fc.jsonValue()), (sent, to, protocol, added) => {
        expect(decodeEnvelope(asWrittenLater(sent, to, { protocol, added }))).toBeUndefined();
      }),
    );
  });

  it.each(['["d",4,7,"r",1,["news/Rank"]]', '["d",-1,7,"r",1,[]]', '["d","claim",7,"r",1,[]]'])(
    "[P2] is not understood when it asks for a slot in an unknown way: %s",
    (text) => {
      expect(decodeEnvelope(text)).toBeUndefined();
    },
  );

  it.each(["", "2:binary", "{}", "null", '"text"', "17"])("[P2] is not understood when it is something else: %j", (text) => {
    expect(decodeEnvelope(text)).toBeUndefined();
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

describe("a caller and a replica that do not understand each other", () => {
  const load = { ongoing: 2, queued: 1 };
  const failureOf = (act: () => unknown) => {
    try {
      return `no failure: ${JSON.stringify(act())}`;
    } catch (error) {
      return classifyFailure(error);
    }
  };

  it("[P2] know that the request has not begun, however it was sent", () => {
    const refusal = refuseUnread(load);
    expect(refusal).toEqual({ kind: "refused", load, protocol: PROTOCOL });
    expect(failureOf(() => decodeReply(refusal))).toBe("not-started");
    // Over HTTP it crosses as JSON.
    expect(failureOf(() => checkUnderstood(JSON.parse(JSON.stringify(refusal)) as WireReply as Reply))).toBe("not-started");
  });

  it("[P2] say which protocol the replica understands", () => {
    expect(() => decodeReply(refuseUnread(load))).toThrow(
      "The replica does not understand the request: it runs older code, of protocol 1. Deploy the newest code to all of the Worker.",
    );
  });

  it("take a refusal for want of room for what it is", () => {
    expect(() => checkUnderstood({ kind: "refused", load } as Reply)).not.toThrow();
    expect(() => checkUnderstood({ kind: "reserved" })).not.toThrow();
  });

  it("[P3] take no answer of an unknown kind for a result, and know that the request may have begun", () => {
    const answer = { kind: "redirect", to: "elsewhere" } as unknown as WireReply;
    expect(failureOf(() => decodeReply(answer))).toBe("lost");
    expect(() => decodeReply(answer)).toThrow('The replica\'s answer is not understood: it runs newer code, which answered "redirect".');
  });

  it("[P1] ignore what newer code adds to an answer", () => {
    fc.assert(
      fc.property(fc.constantFrom("value", "error", "stream", "refused"), fc.jsonValue(), (kind, added) => {
        const answer = { kind, load, added } as unknown as WireReply;
        expect(decodeReply(answer)).toBe(answer);
      }),
    );
  });
});
