import { afterEach, describe, expect, it, vi } from "vitest";
import { type PlatformTracing, setTracing, span } from "../../../src/protocol/tracing.ts";

afterEach(() => setTracing(undefined));

const open = vi.fn();
const tracing = (isTraced: boolean): PlatformTracing => ({
  getActiveSpan: () => ({ isTraced }),
  enterSpan: (name, body) => {
    open(name);
    return body({ setAttribute: (key, value) => open(key, value) });
  },
});

describe("serve.span", () => {
  it.each<[about: string, platform: PlatformTracing | undefined, opened: readonly unknown[]]>([
    ["no tracing", undefined, []],
    ["nobody who looks", tracing(false), []],
    ["no span", { ...tracing(true), getActiveSpan: () => undefined }, []],
    [
      "tracing that refuses",
      {
        ...tracing(true),
        getActiveSpan: () => {
          throw new Error("not here");
        },
      },
      [],
    ],
    ["somebody who looks", tracing(true), [["mine"], ["early", 1], ["late", "x"]]],
  ])("runs what it is given, with %s", async (_, platform, opened) => {
    open.mockClear();
    setTracing(platform);
    const body = async (given: { setAttribute(key: string, value: string): void }) => {
      given.setAttribute("late", "x");
      return 7;
    };
    expect(await span("mine", body, { early: 1, missing: undefined, odd: { a: 1 } as never })).toBe(7);
    expect(open.mock.calls).toEqual(opened);
    const error = new RangeError("no");
    const fail = () => span("mine", () => Promise.reject(error));
    await expect(fail()).rejects.toBe(error);
    expect(() =>
      span("mine", () => {
        throw error;
      }),
    ).toThrow(error);
  });
});
