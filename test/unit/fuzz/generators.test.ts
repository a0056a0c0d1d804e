import { describe, expect, it } from "vitest";
import { planDocument } from "../../../src/operator/plan-document.ts";
import { Choices } from "../../fuzz/choices.ts";
import { CODE, COMPILED, validDocument } from "../../fuzz/documents.ts";
import { shown } from "../../fuzz/failure.ts";
import { KINDS } from "../../fuzz/kinds/all.ts";
import { makeRequest } from "../../fuzz/requests.ts";
import { makeValue, type Traits } from "../../fuzz/values.ts";
import { makeWire } from "../../fuzz/wire.ts";

const SOME = Array.from({ length: 400 }, (_, index) => index);

describe("a grammar", () => {
  it.each(KINDS.map((kind) => [kind.name, kind] as const))("%s gives the same input for the same number", (_, kind) => {
    const input = (index: number) => shown(kind.make(Choices.seeded(1, kind.name, index))).replaceAll(/^\s+at .*$/gm, "");
    for (const index of SOME.slice(0, 60)) expect(input(index)).toBe(input(index));
  });

  it("of documents gives documents that are accepted", () => {
    for (const index of SOME) {
      const { diagnostics } = planDocument(validDocument(Choices.seeded(1, "valid", index)), { manifest: COMPILED, code: CODE });
      expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
    }
  });

  it("of values gives each trait, and clean ones too", () => {
    const all = SOME.concat(SOME.map((index) => index + 400)).map((index) => makeValue(Choices.seeded(1, "value", index)));
    const names = Object.keys(all[0]!.traits) as (keyof Traits)[];
    for (const name of names) expect([name, all.some(({ traits }) => traits[name])]).toEqual([name, true]);
    expect(all.filter(({ traits }) => names.every((name) => !traits[name])).length).toBeGreaterThan(100);
  });

  it("of values says what structured clone carries", () => {
    for (const index of SOME) {
      const { value, traits } = makeValue(Choices.seeded(2, "value", index));
      const { foreign, proxy, hostile, deep } = traits;
      if (!foreign && !proxy && !hostile && !deep) expect(() => structuredClone(value)).not.toThrow();
    }
  });

  it("of requests gives those with and without the token, sound and unsound", () => {
    const wires = SOME.map((index) => {
      const choices = Choices.seeded(1, "socket", index);
      return makeWire(choices, makeRequest(choices));
    });
    for (const isOperator of [true, false])
      for (const isSound of [true, false])
        expect(wires.filter((wire) => wire.isSound === isSound && wire.request.isOperator === isOperator).length).toBeGreaterThan(20);
  });
});
