import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RequestScope } from "../../../src/context/scope.ts";
import { blockedRequests, findExcess, findRoom, type Occupant } from "../../../src/multiplexing/eviction.ts";
import { newRequest } from "./models.ts";

const REQUESTS = Array.from({ length: 5 }, (_, index) => newRequest(`r${index}`));

const requests = fc.subarray(REQUESTS);
const occupant = fc.record({
  isLoaded: fc.boolean(),
  users: requests.map((users): ReadonlySet<RequestScope> => new Set(users)),
  loader: fc.constant(undefined),
  sizeBytes: fc.nat(50),
});
const situation = fc.record({
  occupants: fc.array(occupant, { maxLength: 6 }),
  limits: fc.record({
    maxModels: fc.integer({ min: 1, max: 6 }),
    maxBytes: fc.oneof(fc.constant(Infinity), fc.integer({ min: 1, max: 150 })),
  }),
  expectedBytes: fc.nat(50),
  blocked: requests.map((blocked): ReadonlySet<RequestScope> => new Set(blocked)),
});

const isUnused = ({ isLoaded, users }: Occupant) => isLoaded && users.size === 0;
const bytes = (occupants: readonly Occupant[]) => occupants.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);

describe("finding room for a model", () => {
  it("[M1] lets go only what is loaded and unused, [M2] the least recently used first and no more than has to", () => {
    fc.assert(
      fc.property(situation, ({ occupants, limits, expectedBytes, blocked }) => {
        const room = findRoom({ occupants, limits, expectedBytes, blocked });
        if (room.when === "later") return;
        expect(room.evict).toEqual(occupants.filter(isUnused).slice(0, room.evict.length));
        const fits = (evicted: readonly Occupant[]) => {
          const left = occupants.filter((one) => !evicted.includes(one));
          return left.length < limits.maxModels && (left.length === 0 || bytes(left) + expectedBytes <= limits.maxBytes);
        };
        if (room.evict.length > 0) expect(fits(room.evict.slice(0, -1))).toBe(false);
      }),
    );
  });

  it("keeps the limits, or has nothing to wait for", () => {
    fc.assert(
      fc.property(situation, ({ occupants, limits, expectedBytes, blocked }) => {
        const room = findRoom({ occupants, limits, expectedBytes, blocked });
        if (room.when === "later") return;
        const left = occupants.filter((one) => !room.evict.includes(one));
        const isWithin = left.length < limits.maxModels && (left.length === 0 || bytes(left) + expectedBytes <= limits.maxBytes);
        if (!isWithin) expect(left.every(({ users }) => [...users].some((user) => blocked.has(user)))).toBe(true);
      }),
    );
  });

  it("[M3] waits only while something comes free without those that are blocked, and drains only that", () => {
    fc.assert(
      fc.property(situation, ({ occupants, limits, expectedBytes, blocked }) => {
        const room = findRoom({ occupants, limits, expectedBytes, blocked });
        if (room.when === "now") return;
        const free = occupants.filter(({ users }) => ![...users].some((user) => blocked.has(user)));
        expect(free.some((one) => !isUnused(one))).toBe(true);
        for (const draining of room.drain) expect(free).toContain(draining);
      }),
    );
  });
});

describe("what is too much", () => {
  it("is the least recently used of what nobody uses, and no more than the limits ask for", () => {
    fc.assert(
      fc.property(situation, ({ occupants, limits }) => {
        const excess = findExcess(occupants, limits);
        expect(excess).toEqual(occupants.filter(isUnused).slice(0, excess.length));
        const isWithin = (gone: readonly Occupant[]) => {
          const left = occupants.filter((one) => !gone.includes(one));
          return left.length <= limits.maxModels && bytes(left) <= limits.maxBytes;
        };
        if (excess.length > 0) expect(isWithin(excess.slice(0, -1))).toBe(false);
        if (!isWithin(excess)) expect(excess).toEqual(occupants.filter(isUnused));
      }),
    );
  });
});

describe("the requests that are blocked", () => {
  const [a, b, c, loader] = REQUESTS as [RequestScope, RequestScope, RequestScope, RequestScope];

  it("are those that wait", () => {
    expect(blockedRequests([a], [{ users: new Set([b]), loader: undefined }])).toEqual(new Set([a]));
  });

  it("are those that wait for a load that waits itself, however many loads lie between", () => {
    const held = [
      { users: new Set([c]), loader: b },
      { users: new Set([b, a]), loader },
    ];
    expect(blockedRequests([loader], held)).toEqual(new Set([loader, b, a, c]));
  });

  it("are those whose call came back and waits, but not those beside it", () => {
    const outer = newRequest("tree", ["news/Model"]);
    const returned = newRequest("tree", ["news/Model", "news/Index", "news/Model"]);
    const beside = newRequest("tree", ["news/Other", "news/Model"]);
    const foreign = newRequest("other", ["news/Model"]);
    const held = [{ users: new Set([outer, beside, foreign]), loader: undefined }];
    expect(blockedRequests([returned], held)).toEqual(new Set([returned, outer]));
    expect(blockedRequests([beside], [{ users: new Set([outer]), loader: undefined }])).toEqual(new Set([beside]));
  });
});
