import { describe, expect, it } from "vitest";
import { ControlledWorld, manifestOf } from "../../support/controlled-world.ts";
import { NO_ROUTING, type Owners, routingAfter, treatedAnew } from "../../../src/controller/routing.ts";

const owners = (of: Readonly<Record<string, string | null>>): Owners => new Map(Object.entries(of));
const BEFORE = owners({ "/": "root", "/a": "a", "/ab": "ab", "/s": null });

describe("a change of prefixes", () => {
  it.each<[string, Owners, Readonly<Record<string, number>>]>([
    ["a prefix that is new below two others", owners({ "/": "root", "/a": "a", "/a/x": "x" }), { root: 1, a: 1 }],
    ["a route that is new", owners({ "/": "root", "/a": "a", "/b": null }), { root: 1 }],
    ["a prefix that has become a route", owners({ "/": "root", "/a": null }), { root: 1 }],
    ["a prefix below one that several share", owners({ "/": "root", "/s": null, "/s/x": "x" }), { root: 1 }],
    ["an application in another's place", owners({ "/": "other", "/a": "a" }), {}],
  ])("is told to the applications that had the requests: %s", (_, after, taken) => {
    expect(routingAfter(NO_ROUTING, BEFORE, after)).toEqual({ count: 1, taken });
  });

  it.each<[string, Owners]>([
    ["nothing changes", BEFORE],
    ["a prefix is given up", owners({ "/": "root", "/a": "a", "/s": null })],
  ])("is none where %s", (_, after) => {
    expect(routingAfter(NO_ROUTING, BEFORE, after)).toBe(NO_ROUTING);
  });

  it("is told to those whose requests are to be treated otherwise, too", () => {
    expect(routingAfter(NO_ROUTING, BEFORE, BEFORE, ["a"])).toEqual({ count: 1, taken: { a: 1 } });
  });

  it("keeps what was told to others", () => {
    const first = routingAfter(NO_ROUTING, BEFORE, owners({ "/": "root", "/a": "a", "/a/x": "x" }));
    expect(routingAfter(first, owners({ "/": "root" }), owners({ "/": "root", "/b": "b" }))).toEqual({
      count: 2,
      taken: { root: 2, a: 1 },
    });
  });
});

describe("an application's requests", () => {
  const plain = manifestOf({ Front: {} });
  const timed = { ...plain, httpTimeoutMs: 500 };
  const session = { ...plain, sessions: { header: "mcp-session-id" } };
  it.each([
    ["are as before", plain, { ...plain }, false],
    ["are as before, with what the ingress does not do", session, { ...session, routePrefix: "/x" }, false],
    ["have a deadline", plain, timed, true],
    ["have another deadline", timed, { ...timed, httpTimeoutMs: 600 }, true],
    ["have none any more", timed, plain, true],
    ["say their key by another header", plain, session, true],
    ["get a key", session, { ...session, sessions: { ...session.sessions, generated: true as const } }, true],
    ["are no more", plain, null, false],
    ["are new, with a deadline", null, timed, true],
  ])("are treated by the ingress otherwise where they %s", (_, before, after, isAnew) => {
    expect(treatedAnew({ app: before }, { app: after })).toEqual(isAnew ? ["app"] : []);
  });
});

describe("a controller that hears that others have prefixes below its application's", () => {
  const manifest = manifestOf({ Front: {}, Model: {} });
  const change = (revision: number, routing?: number) => ({
    revision,
    version: "v1",
    application: manifest,
    ...(routing === undefined ? {} : { routing }),
  });
  const setOf = async (world: ControlledWorld, name: string, epoch = 0) =>
    (await world.report(`app/${name}/-/0.0`, { kind: "woke" }, { deployment: name, epoch }))!.set;

  it("tells those who route by them, for good, and changes nothing else", async () => {
    const world = new ControlledWorld(manifest);
    await world.run();
    await world.controller.adopt(change(1));
    await world.run();
    const before = { front: await setOf(world, "Front"), model: await setOf(world, "Model"), status: await world.status() };
    await world.controller.adopt(change(2, 3));
    await world.run();
    world.crash();
    expect(await setOf(world, "Front")).toEqual({ ...before.front, epoch: before.front.epoch + 1, routing: 3 });
    expect(await setOf(world, "Model")).toEqual(before.model);
    const { status, last_deployed_time_s } = await world.status();
    expect({ status, last_deployed_time_s }).toEqual({ status: "RUNNING", last_deployed_time_s: before.status.last_deployed_time_s });
    // Delivered once more.
    await world.controller.adopt(change(2, 3));
    expect((await setOf(world, "Front")).epoch).toBe(before.front.epoch + 1);
  });
});
