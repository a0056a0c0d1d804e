import { describe, expect, it } from "vitest";
import { ApplicationRoutes, type RoutedApplication } from "../../../src/ingress/application-routes.ts";

const known = (name: string, routePrefix: string | null) => ({ name, routePrefix, ingress: "Front" });

function routesOf(...applications: ReturnType<typeof known>[]) {
  /** What an application's replicas say. */
  const said: Record<string, string | null> = {};
  const routes = new ApplicationRoutes(applications, (app) => ({
    requestTimeoutMs: null,
    get routePrefix() {
      return said[app] ?? null;
    },
    isGone: false,
    routing: 0,
    prepare: async (request) => ({ request: () => request }),
    fetch: async () => new Response(app),
  }));
  return { routes, said, at: (path: string) => applicationAt(routes, path)?.name };
}

function applicationAt(routes: ApplicationRoutes, path: string): RoutedApplication | undefined {
  const target = routes.match(path)?.target;
  return target?.divided === undefined ? target : undefined;
}

describe("the applications' routes", () => {
  it("are what was compiled, at first", () => {
    const { routes, at } = routesOf(known("root", "/"), known("news", "/news"), known("hidden", null));
    expect([at("/"), at("/news/a"), at("/newspaper")]).toEqual(["root", "news", "root"]);
    expect(routes.listing).toEqual({ "/": "root", "/news": "news" });
    expect(applicationAt(routes, "/news")?.chain).toEqual(["news/Front"]);
  });

  it("are what runs, once that is known: moved, added, taken away", () => {
    const { routes, at } = routesOf(known("news", "/news"), known("old", "/old"));
    routes.take({ news: known("news", "/moved"), old: null, more: known("more", "/more") });
    expect([at("/news"), at("/moved"), at("/old"), at("/more")]).toEqual([undefined, "news", undefined, "more"]);
    expect(routes.listing).toEqual({ "/moved": "news", "/more": "more" });
  });

  it("are corrected by what an application's replicas say, and the others stay", () => {
    const { routes, said, at } = routesOf(known("root", "/"), known("news", "/news"));
    said["news"] = "/moved";
    routes.correct("news");
    expect([at("/news"), at("/moved")]).toEqual(["root", "news"]);
    said["news"] = null;
    routes.correct("news");
    expect([at("/moved"), routes.listing]).toEqual(["root", { "/": "root" }]);
    said["news"] = "/back";
    routes.correct("news");
    expect(at("/back/x")).toBe("news");
  });

  it("say nothing where nothing runs", () => {
    const { routes, at } = routesOf();
    expect([at("/"), routes.listing]).toEqual([undefined, {}]);
  });
});
