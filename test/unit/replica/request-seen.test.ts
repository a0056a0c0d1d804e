import { describe, expect, it } from "vitest";
import { seenRequest } from "../../../src/replica/request-seen.ts";
import { rejectionOf } from "../../support/rejection.ts";

const post = (body: string) => new Request("http://host/a?b=1", { method: "POST", body, headers: { "x-request-id": "sent" } });

describe("the request that a handler sees", () => {
  it("[Q1] has the id, and so have its copies", async () => {
    const seen = seenRequest(post("text"), "r1");
    for (const copy of [seen.clone(), new Request(seen.clone()), seen]) {
      expect([copy.method, copy.url, copy.headers.get("x-request-id"), await copy.text()]).toEqual([
        "POST",
        "http://host/a?b=1",
        "r1",
        "text",
      ]);
    }
  });

  it("blames the client for a body that is not JSON", async () => {
    expect(await seenRequest(post('{"a":1}'), "r1").json()).toEqual({ a: 1 });
    const error = await rejectionOf(seenRequest(post("{oops"), "r1").json());
    expect(error).toBeInstanceOf(SyntaxError);
    expect(error).toMatchObject({ status: 400, message: expect.stringMatching(/^The body of POST \/a is not JSON: /) });
    // A body that was read before is the handler's own mistake.
    const read = seenRequest(post("1"), "r1");
    await read.text();
    expect(await rejectionOf(read.json())).not.toHaveProperty("status");
  });
});
