import { expect, it } from "vitest";
import { isMisread } from "../../fuzz/misread.ts";

it("tells a text that this process reads wrongly, where it does, from one that it reads as it is", () => {
  // What V8 13.6 remembers, and then takes for the second key.
  JSON.parse('{"a":1,"\\\\":2}');
  const text = '{"a":1,"\\n":2}';
  expect(isMisread(text)).toBe(!Object.keys(JSON.parse(text) as object).includes("\n"));
  expect(isMisread('{"b":1,"c":2}')).toBe(false);
});
