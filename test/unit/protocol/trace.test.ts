import { describe, expect, it } from "vitest";
import { RequestScope } from "../../../src/context/scope.ts";
import { HttpMeta } from "../../../src/protocol/http-request.ts";
import { isTraceparent, nextHop } from "../../../src/protocol/trace.ts";
import { requestMeta } from "../../support/scope.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";
const UUID = "5c1e2f3a-0000-4000-8000-0123456789ab";

describe("a traceparent", () => {
  it.each([
    [`00-${TRACE}-${SPAN}-01`, true],
    [`00-${TRACE}-${SPAN}-00`, true],
    [`00-${TRACE}-${SPAN}-ff`, true],
    [`cc-${TRACE}-${SPAN}-01`, true],
    [`cc-${TRACE}-${SPAN}-01-what-comes-later`, true],
    [`cc-${TRACE}-${SPAN}-01.what`, false],
    [`00-${TRACE}-${SPAN}-01-more`, false],
    [`00-${TRACE}-${SPAN}-01-`, false],
    [`ff-${TRACE}-${SPAN}-01`, false],
    [`00-${"0".repeat(32)}-${SPAN}-01`, false],
    [`00-${TRACE}-${"0".repeat(16)}-01`, false],
    [`00-${TRACE.toUpperCase()}-${SPAN}-01`, false],
    [`00-${TRACE.slice(1)}-${SPAN}-01`, false],
    [`00-${TRACE}-${SPAN}-1`, false],
    [`00-${TRACE}-${SPAN}`, false],
    [`0-${TRACE}-${SPAN}-01`, false],
    [`00-${TRACE}-${SPAN}-01, 00-${TRACE}-${SPAN}-01`, false],
    [` 00-${TRACE}-${SPAN}-01`, false],
    ["00-0-0-00", false],
    ["", false],
    ["x".repeat(6000), false],
  ])("%s: %s", (text, expected) => {
    expect(isTraceparent(text)).toBe(expected);
  });

  it.each<[about: string, meta: Parameters<typeof nextHop>[0], expected: RegExp]>([
    ["continues one with its trace id and flags", { traceparent: `00-${TRACE}-${SPAN}-00` }, RegExp(`^00-${TRACE}-[0-9a-f]{16}-00$`)],
    ["keeps flags that are not known", { traceparent: `00-${TRACE}-${SPAN}-a3` }, RegExp(`^00-${TRACE}-[0-9a-f]{16}-a3$`)],
    ["is of version 00", { traceparent: `cc-${TRACE}-${SPAN}-01-more` }, RegExp(`^00-${TRACE}-[0-9a-f]{16}-01$`)],
    ["is of the request's id", { requestId: UUID }, RegExp(`^00-${UUID.replaceAll("-", "")}-[0-9a-f]{16}-01$`)],
    ["is of the request's id, for one that is none", { requestId: UUID, traceparent: "x" }, RegExp(`^00-${UUID.replaceAll("-", "")}-`)],
    ["is new", { requestId: "mine" }, /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-01$/],
  ])("of the next hop %s", (_, meta, expected) => {
    const [first, second] = [nextHop(meta), nextHop(meta)];
    expect(first.traceparent).toMatch(expected);
    expect(first.traceparent).toBe(`00-${first.traceId}-${first.spanId}-${first.traceparent.slice(-2)}`);
    expect(first.spanId).not.toBe(second.spanId);
    expect(first.spanId).not.toBe(SPAN);
  });
});

describe("what a request's calls carry of its trace", () => {
  it.each<[about: string, meta: object, expected: readonly string[]]>([
    ["nothing, where each replica makes it out", { requestId: UUID }, []],
    ["a new one", { requestId: "mine" }, ["traceparent"]],
    ["what came", { requestId: UUID, traceparent: `00-${TRACE}-${SPAN}-00` }, ["traceparent"]],
    ["what came with it", { traceparent: `00-${TRACE}-${SPAN}-00`, tracestate: "a=b" }, ["traceparent", "tracestate"]],
  ])("is %s", (_, meta, expected) => {
    const before = new RequestScope(requestMeta(meta));
    expect(Object.keys(before.carried)).toEqual(expected);
    expect(nextHop({ ...before.meta, ...before.carried }).traceId).toBe(before.trace.traceId);
    const after = new RequestScope(requestMeta(meta));
    expect([after.traceparent, Object.keys(after.carried)]).toEqual([after.traceparent, expected]);
    expect(after.carried).toBe(after.carried);
  });
});

describe("what headers say of a trace", () => {
  const state = { tracestate: "vendor=1,other=2" };
  it.each<[about: string, headers: Record<string, string>, expected: readonly unknown[]]>([
    ["both", { traceparent: `00-${TRACE}-${SPAN}-01`, ...state }, [`00-${TRACE}-${SPAN}-01`, state.tracestate]],
    ["no tracestate", { traceparent: `00-${TRACE}-${SPAN}-01` }, [`00-${TRACE}-${SPAN}-01`, undefined]],
    ["no tracestate without a traceparent", state, [undefined, undefined]],
    ["neither of a malformed one", { traceparent: "00-0-0-00", ...state }, [undefined, undefined]],
  ])("%s", (_, headers, expected) => {
    const { traceparent, tracestate } = new HttpMeta({ headers: new Headers(headers) }, { chain: ["news/Front"], routePrefix: "/" });
    expect([traceparent, tracestate]).toEqual(expected);
  });
});
