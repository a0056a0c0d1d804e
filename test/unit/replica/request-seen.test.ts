import { describe, expect, it } from "vitest";
import { seenRequest } from "../../../src/replica/request-seen.ts";
import { rejectionOf } from "../../support/rejection.ts";

const post = (body: string) => new Request("http://host/a?b=1", { method: "POST", body });

describe("the request that a handler sees", () => {
  it("blames the client for a body that is not JSON", async () => {
    expect(await seenRequest(post('{"a":1}')).json()).toEqual({ a: 1 });
    const error = await rejectionOf(seenRequest(post("{oops")).json());
    expect(error).toBeInstanceOf(SyntaxError);
    expect(error).toMatchObject({ status: 400, message: expect.stringMatching(/^The body of POST \/a is not JSON: /) });
    // A body that was read before is the handler's own mistake.
    const read = seenRequest(post("1"));
    await read.text();
    expect(await rejectionOf(read.json())).not.toHaveProperty("status");
  });
});
