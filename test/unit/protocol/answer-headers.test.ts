import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RequestMeta } from "../../../src/protocol/messages.ts";
import { withAnswerHeaders, withPrefix } from "../../../src/protocol/answer-headers.ts";

const URL_SEEN = "http://host:8787/item?x=1";

describe("an address behind the prefix /site", () => {
  it.each([
    ["/home", "/site/home"],
    ["/", "/site/"],
    ["/?q=1", "/site/?q=1"],
    ["/home?next=/x#top", "/site/home?next=/x#top"],
    ["/sitemap", "/site/sitemap"],
    ["/../x", "/site/x"],
    ["/a/../../../x", "/site/x"],
    ["/%2e%2e/x", "/site/x"],
    ["http://host:8787/home", "http://host:8787/site/home"],
    ["HTTP://HOST:8787/home", "http://host:8787/site/home"],
    ["http://host:8787", "http://host:8787/site/"],
    ["http://host:8787?q", "http://host:8787/site/?q"],
    // As it is.
    ["/site", "/site"],
    ["/site/home", "/site/home"],
    ["/site?q", "/site?q"],
    ["/site#f", "/site#f"],
    ["http://host:8787/site/home", "http://host:8787/site/home"],
    ["home", "home"],
    ["./home", "./home"],
    ["../home", "../home"],
    ["?q=/x", "?q=/x"],
    ["#top", "#top"],
    ["", ""],
    ["//host:8787/home", "//host:8787/home"],
    ["//elsewhere.test/home", "//elsewhere.test/home"],
    ["/\\\\elsewhere.test/home", "/\\\\elsewhere.test/home"],
    ["/\t/elsewhere.test/home", "/\t/elsewhere.test/home"],
    ["http://host/home", "http://host/home"],
    ["https://host:8787/home", "https://host:8787/home"],
    ["http://elsewhere.test:8787/home", "http://elsewhere.test:8787/home"],
    ["mailto:a@host", "mailto:a@host"],
    ["http://", "http://"],
    ["urn:x:/home", "urn:x:/home"],
  ])("%j reaches the client as %j", (address, restored) => {
    expect(withPrefix(address, URL_SEEN, "/site")).toBe(restored);
  });

  it("leads to the same place however often it is restored, and never to another origin than before", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.webPath(),
          fc.webUrl(),
          fc.string(),
          fc.webPath().map((path) => `http://host:8787${path}`),
        ),
        (address) => {
          const once = withPrefix(address, URL_SEEN, "/site");
          expect(withPrefix(once, URL_SEEN, "/site")).toBe(once);
          if (URL.canParse(address, URL_SEEN)) expect(new URL(once, URL_SEEN).origin).toBe(new URL(address, URL_SEEN).origin);
        },
      ),
    );
  });
});

const meta = (routePrefix: string): RequestMeta => ({ requestId: "r1", chain: [], hops: 0, routePrefix });
const request = new Request(URL_SEEN);

describe("the headers of an answer", () => {
  it("keep an id of the handler's that is fit", () => {
    const idOf = (id: string, isOurs = false) =>
      withAnswerHeaders(new Response(null, { headers: { "x-request-id": id } }), request, meta("/"), isOurs).headers.get("x-request-id");
    expect([idOf("own.1"), idOf("not fit"), idOf(""), idOf("x".repeat(129))]).toEqual(["own.1", "r1", "r1", "r1"]);
  });

  it("are mended where they are immutable, and can be changed from then on", () => {
    const answer = withAnswerHeaders(Response.redirect("http://host:8787/home", 302), request, meta("/site"), false);
    expect([answer.status, answer.headers.get("location"), answer.headers.get("x-request-id")]).toEqual([
      302,
      "http://host:8787/site/home",
      "r1",
    ]);
    answer.headers.set("x-more", "1");
  });

  it("have Content-Location as well, and nothing is changed at /", () => {
    const headers = { location: "/a", "content-location": "/b" };
    const seen = (prefix: string) => {
      const { headers: got } = withAnswerHeaders(new Response(null, { headers }), request, meta(prefix), false);
      return [got.get("location"), got.get("content-location")];
    };
    expect([seen("/"), seen("/site")]).toEqual([
      ["/a", "/b"],
      ["/site/a", "/site/b"],
    ]);
  });
});
