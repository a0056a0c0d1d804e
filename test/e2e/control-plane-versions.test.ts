/**
 * Two versions of the code at work at once, as in a gradual deployment: each object at one of them, callers at both, and
 * the newer one with a newer protocol.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Assigned, type Running, TOKEN, TwoVersions, type Version, VERSIONS } from "../support/two-versions.ts";

const authorized = { headers: { authorization: `Bearer ${TOKEN}` } };

/** What the application answers: the version of the replica that took the request, and what it heard from others. */
interface Said<T> {
  readonly front: Version;
  readonly said: T;
}

interface Status {
  readonly status: string;
  readonly version: string;
  readonly deployments: Record<string, { status: string; replicas: { ordinal: number; version: string | null; state: string }[] }>;
}

let versions: TwoVersions;

beforeAll(async () => {
  versions = await TwoVersions.build();
});
afterAll(() => versions?.[Symbol.dispose]());

const scale = (running: Running, by: Version, replicas: number) =>
  running.json(by, "/-/api/applications/default/deployments/Model/scale", {
    ...authorized,
    method: "POST",
    body: JSON.stringify({ target_num_replicas: replicas }),
  });

/** The numbers of the replicas that answer, whichever version asks. */
async function ordinalsOf(running: Running): Promise<number[]> {
  const answers = await Promise.all(
    VERSIONS.flatMap((version) => Array.from({ length: 4 }, () => running.json<Said<number[]>>(version, "/ordinals"))),
  );
  return [...new Set(answers.flatMap(({ said }) => said))].toSorted();
}

/** Asks until every combination of versions has answered: of the ingress, of the replica that calls and of the one that is called. */
async function byVersions<T>(running: Running, path: string, versionOf: (said: T) => string): Promise<Map<string, T>> {
  const seen = new Map<string, T>();
  for (let round = 0; seen.size < 8 && round < 50; round++) {
    const answers = VERSIONS.flatMap((version) =>
      Array.from({ length: 4 }, async () => ({ version, ...(await running.json<Said<T>>(version, path)) })),
    );
    for (const { version, front, said } of await Promise.all(answers)) seen.set(`${version} ${front} ${versionOf(said)}`, said);
  }
  return seen;
}

const ALL_WAYS = VERSIONS.flatMap((ingress) => VERSIONS.flatMap((front) => VERSIONS.map((model) => `${ingress} ${front} ${model}`)));

describe.each(VERSIONS)("with controllers at %s, and half of the replicas at each version", (control) => {
  let running: Running;

  beforeAll(async () => {
    running = await versions.start({ control, replicas: ["v1", "v2"] });
  });
  afterAll(() => running?.[Symbol.dispose]());

  it("HTTP requests and calls go every way between the versions", async () => {
    const seen = await byVersions<string>(running, "/call", (said) => said);
    expect([...seen.keys()].toSorted()).toEqual(ALL_WAYS);
  });

  it("so do streams of items, bodies that can be sent only once, and errors", async () => {
    const streams = await byVersions<[number, string, string]>(running, "/count", ([, first]) => first.split(" ")[0]!);
    expect([...streams.keys()].toSorted()).toEqual(ALL_WAYS);
    for (const [way, said] of streams) expect(said).toEqual([300, `${way.slice(-2)} 1`, `${way.slice(-2)} 300`]);

    const bodies = await byVersions<{ version: string; text: string }>(running, "/read", (said) => said.version);
    expect([...bodies.keys()].toSorted()).toEqual(ALL_WAYS);
    for (const { text } of bodies.values()) expect(text).toBe("a body");

    const errors = await byVersions<{ message: string }>(running, "/fail", ({ message }) => message.slice(-2));
    expect([...errors.keys()].toSorted()).toEqual(ALL_WAYS);
    for (const error of errors.values()) expect(error).toMatchObject({ isRangeError: true, name: "RangeError", limit: 3 });
  });

  it("a replica that is full refuses callers of both versions", async () => {
    for (const version of VERSIONS) {
      for (const key of ["a", "b", "c", "d"]) {
        const { said } = await running.json<Said<string[]>>(version, "/crowd", { headers: { "x-session-id": key } });
        expect(said).toEqual([...Array<string>(5).fill("BackPressureError"), "ok"]);
      }
    }
  });

  it("what only newer code understands runs there, whether called, with a body or over HTTP, and never in older code", async () => {
    // The key makes the ingress ask for protocol 2, so its replica is of v2, and that asks for it in turn.
    for (let n = 0; n < 8; n++) {
      const session = { headers: { "x-session-id": `needs-2 ${n}` } };
      const called = await running.json<Said<string>>("v2", `/call?key=needs-2%20${n}`, session);
      expect(called).toEqual({ front: "v2", said: "v2" });
      const read = await running.json<Said<unknown>>("v2", `/read?key=needs-2%20${n}`, session);
      expect(read).toEqual({ front: "v2", said: { version: "v2", text: "a body" } });
      const posted = await running.json<Said<string>>("v2", "/call", { ...session, method: "POST", body: "x".repeat(100_000) });
      expect(posted.front).toBe("v2");
    }
  });

  it("where there is only older code, it fails with the reason, and has not begun", async () => {
    const session = { headers: { "x-session-id": "needs-2" } };
    const { said } = await running.json<Said<{ code: string; message: string }>>("v2", "/alone?key=needs-2", session);
    expect(said.code).toBe("REPLICA_UNAVAILABLE");
    expect(said.message).toContain("does not understand the request: it runs older code, of protocol 1.");
    expect(said.message).not.toContain("may have begun");
  });

  it("news of the replica set reaches callers of both versions, from replicas of both", async () => {
    expect(await ordinalsOf(running)).toEqual([0, 1]);
    await scale(running, "v1", 3);
    await expect.poll(() => ordinalsOf(running)).toEqual([0, 1, 2]);
    await scale(running, "v2", 1);
    await expect.poll(() => ordinalsOf(running)).toEqual([0]);
  });

  it("a request that waits when its replica is reset for new code runs elsewhere; one that had begun fails", async () => {
    const { said } = await running.json<Said<{ begun: string[]; waiting: string[] }>>(control, "/reset?key=waits");
    expect(said).toEqual({ begun: ["ReplicaUnavailableError", "ReplicaUnavailableError"], waiting: Array<string>(6).fill("ok") });
  });
});

describe("a gradual deployment, step by step and back", () => {
  const STEPS: readonly Assigned[] = [
    { control: "v1", replicas: ["v1"] },
    { control: "v1", replicas: ["v1", "v2"] },
    { control: "v2", replicas: ["v2", "v1"] },
    { control: "v1", replicas: ["v1", "v2"] },
    { control: "v2", replicas: ["v2"] },
    { control: "v1", replicas: ["v1"] },
  ];

  it("answers every request at every step, and the set that the newest controller has decided prevails", async () => {
    let before: Version | undefined;
    for (const assigned of STEPS) {
      using running = await versions.start(assigned);
      // A controller at other code than before begins with what that code says; whoever comes later obeys.
      if (before !== assigned.control) await expect.poll(() => ordinalsOf(running)).toEqual([0, 1]);
      await scale(running, "v1", 3);
      await expect.poll(() => ordinalsOf(running)).toEqual([0, 1, 2]);
      before = assigned.control;
    }
  });

  it("is DEPLOYING while some of it has older code than the controllers, and RUNNING once all of it has that version", async () => {
    const status = (running: Running) => () => running.json<Status>("v2", "/-/api/applications/default", authorized);
    {
      using running = await versions.start({ control: "v2", replicas: ["v2", "v1"] });
      await expect.poll(status(running)).toMatchObject({ status: "DEPLOYING", version: "v2" });
      expect(await ordinalsOf(running)).toEqual([0, 1]);
    }
    using running = await versions.start({ control: "v2", replicas: ["v2"] });
    // Replicas that had older code are asked again after ten seconds.
    await expect.poll(status(running), { timeout: 30_000 }).toMatchObject({ status: "RUNNING", version: "v2" });
    const { deployments } = await status(running)();
    for (const { replicas } of Object.values(deployments)) for (const { version } of replicas) expect(version).toBe("v2");
  });
});
