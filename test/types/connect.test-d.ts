import { describe, expectTypeOf, it } from "vitest";
import { connect } from "../../src/client.ts";
import * as serve from "../../src/index.ts";

class Shop {
  price(article: string): number {
    return article.length;
  }
}
const app = serve.deployment(Shop).bind();

describe("connect", () => {
  it("takes a URL with a token", () => {
    expectTypeOf(connect<typeof app>("https://a.example", { token: "t" })).toEqualTypeOf<serve.DeploymentHandle<Shop>>();
    connect<typeof app>(new URL("https://a.example"), { token: "t", app: "main" });
    // @ts-expect-error a URL alone opens nothing
    connect<typeof app>("https://a.example");
    // @ts-expect-error nor without its token
    connect<typeof app>("https://a.example", { app: "main" });
  });

  it("takes a service binding, as the platform types it and as anybody may", () => {
    expectTypeOf(connect<typeof app>({} as Fetcher, { app: "main" })).toEqualTypeOf<serve.DeploymentHandle<Shop>>();
    connect<typeof app>({} as Fetcher);
    connect<typeof app>({} as { fetch: typeof fetch }, { app: "main" });
    // @ts-expect-error no binding is one
    connect<typeof app>({}, { app: "main" });
    // @ts-expect-error it may be missing
    connect<typeof app>({} as Fetcher | undefined, { app: "main" });
  });
});
