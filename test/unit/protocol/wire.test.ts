import { describe, expect, it } from "vitest";
import { decodeEnvelope } from "../../../src/protocol/envelope.ts";
import type { CompiledPlace } from "../../../src/protocol/http-request.ts";
import type { Delivery, RequestMeta } from "../../../src/protocol/messages.ts";
import { type Told, answerOf, answerResponse, envelopeOf, fetchInit, refusalResponse } from "../../../src/protocol/wire.ts";
import { requestMeta } from "../../support/scope.ts";

const CLAIM: Delivery = { id: "a", mode: "claim" };
const META: RequestMeta = requestMeta({ requestId: "r1", hops: 0, routePrefix: "/news" });

const OWN: CompiledPlace = { prefix: "/news", isShared: false };
const SHARED: CompiledPlace = { prefix: "/news", isShared: true };
const KEYED: CompiledPlace = { ...OWN, isKeyed: true };

const sent = (headers: Record<string, string> = {}) => new Request("http://host/", { headers });

describe("an HTTP request on its way to a replica", () => {
  it("[W1] carries nothing while both ends know all there is to say", () => {
    expect(fetchInit(sent({ "x-request-id": "r1" }), META, CLAIM, OWN)).toBeUndefined();
    expect(fetchInit(sent(), { ...META, traffic: 0 }, CLAIM, SHARED)).toBeUndefined();
    expect(fetchInit(sent(), META, { ...CLAIM, mode: "queue" }, KEYED)).toBeUndefined();
  });

  const deviations: readonly [what: string, meta: Partial<RequestMeta>, delivery: Partial<Delivery>, place?: CompiledPlace][] = [
    ["it waits", {}, { mode: "queue" }],
    ["it does not wait where requests do", {}, {}, KEYED],
    ["it is to start another replica", {}, { isSpill: true }],
    ["it has its slot", {}, { isReserved: true }],
    ["its caller says which set it knows", {}, { epoch: 0 }],
    ["it has a deadline", { deadline: 5 }, {}],
    ["it was called", { hops: 1 }, {}],
    ["its application has moved", {}, {}, { prefix: "/old", isShared: false }],
    ["its application was not reached over HTTP", {}, {}, { prefix: null, isShared: false }],
    ["others share the prefix of its application by now", { traffic: 0 }, {}],
    ["others shared the prefix of its application", {}, {}, SHARED],
    ["another prefix is shared", { traffic: 0 }, {}, { prefix: "/old", isShared: true }],
    ["it is counted for a canary", { traffic: 7 }, {}, SHARED],
    ["it is a shadow", { traffic: 0, shadow: true }, {}, SHARED],
  ];
  it.each(deviations)("[W1] carries an envelope when %s", (_, meta, delivery, place = OWN) => {
    const { cf } = fetchInit(sent(), { ...META, ...meta }, { ...CLAIM, ...delivery }, place)!;
    const read = decodeEnvelope(envelopeOf({ cf } as unknown as Request)!);
    expect(read?.meta).toMatchObject({ ...META, ...meta });
    expect(read?.delivery).toMatchObject(delivery);
  });
});

describe("an HTTP answer on its way back", () => {
  const set = { epoch: 3, replicas: [], spill: [], routePrefix: "/a", config: {} } as never;

  it("is handed on as it is where there is no newer set, and without what user code has put in the framework's headers", () => {
    const given = new Response("text", { status: 503, headers: { "x-edge-serve-news": "{}", "x-edge-serve-refused": "1" } });
    const answer = answerResponse(given, undefined);
    expect(answerOf(answer)).toBe(answer);
  });

  it("brings a newer set, which the client does not see", async () => {
    const told = (await answerOf(answerResponse(new Response("text", { status: 201 }), { set }))) as {
      set: unknown;
      response: Response;
    };
    expect(told.set).toMatchObject({ epoch: 3 });
    expect([told.response.status, [...told.response.headers.keys()], await told.response.text()]).toEqual([201, ["content-type"], "text"]);
  });

  it("says that its caller has been heard, where it knows the newest set", async () => {
    const told = (await answerOf(answerResponse(new Response("text"), {}))) as {
      kind: string;
      set?: unknown;
      response: Response;
    };
    expect([told.kind, told.set, [...told.response.headers.keys()]]).toEqual(["told", undefined, ["content-type"]]);
  });

  it("brings what the replica has, whatever its models are called, with a newer set and without one", async () => {
    const state = { ongoing: 1, queued: 2, models: ["a b", "\u00fc\n*=", '"\ud800'] };
    for (const news of [{ state }, { state, set }]) {
      const { response, kind: _, ...told } = (await answerOf(answerResponse(new Response("text"), news))) as Told;
      expect(told).toMatchObject({ state, ...(news.set === undefined ? {} : { set: { epoch: 3 } }) });
      expect([...response.headers.keys()]).toEqual(["content-type"]);
    }
  });

  it("is a refusal when the replica has not taken the request", async () => {
    const refusal = { kind: "refused", load: { ongoing: 1, queued: 2 } } as const;
    expect(await answerOf(refusalResponse(refusal))).toEqual(refusal);
  });
});
