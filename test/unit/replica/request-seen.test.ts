import { describe, expect, it } from "vitest";
import { marked } from "../../../src/protocol/request-mark.ts";
import { seenRequest } from "../../../src/replica/request-seen.ts";
import { rejectionOf } from "../../support/rejection.ts";

const meta = { requestId: "r1", chain: ["a/A"], hops: 0 };
const post = (body: string) => new Request("http://host/a?b=1", { method: "POST", body });

describe("the request that a handler sees", () => {
  const ways: Record<string, (seen: Request) => Request> = {
    itself: (seen) => seen,
    "its clone": (seen) => seen.clone(),
    "a clone of its clone": (seen) => seen.clone().clone(),
    "a request made of it": (seen) => new Request(seen),
    "a request made of it, with another method": (seen) => new Request(seen, { method: "PUT" }),
    "a request made of its clone": (seen) => new Request(seen.clone()),
    "what is handed to the platform": marked,
  };
  it.each(Object.entries(ways))("[Q1] has the id and what the client sent: %s", async (_, way) => {
    for (const sent of [{}, { "x-request-id": "r1" }, { "x-request-id": "not fit!" }]) {
      const request = new Request("http://host/a?b=1", { method: "POST", body: "text", headers: { ...sent, accept: "a/b" } });
      const seen = way(seenRequest(request, meta));
      expect([seen.url, seen.headers.get("accept"), seen.headers.get("x-request-id"), await seen.text()]).toEqual([
        "http://host/a?b=1",
        "a/b",
        "r1",
        "text",
      ]);
      expect(seen).toBeInstanceOf(Request);
    }
  });

  it("[Q1] keeps what its handler sets", () => {
    const seen = seenRequest(new Request("http://host/"), meta);
    expect(new Request(seen, { headers: { "x-request-id": "mine" } }).headers.get("x-request-id")).toBe("mine");
    class Own extends Request {}
    expect(new Own(seen)).toBeInstanceOf(Own);
    expect(new Own(seen).headers.get("x-request-id")).toBe("r1");
  });

  it("blames the client for a body that is not JSON", async () => {
    expect(await seenRequest(post('{"a":1}'), meta).json()).toEqual({ a: 1 });
    const error = await rejectionOf(seenRequest(post("{oops"), meta).json());
    expect(error).toBeInstanceOf(SyntaxError);
    expect(error).toMatchObject({ status: 400, message: expect.stringMatching(/^The body of POST \/a is not JSON: /) });
    // A body that was read before is the handler's own mistake.
    const read = seenRequest(post("1"), meta);
    await read.text();
    expect(await rejectionOf(read.json())).not.toHaveProperty("status");
  });
});
