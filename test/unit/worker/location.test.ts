import { describe, expect, it } from "vitest";
import { hintOf } from "../../../durable-objects/location.ts";

describe("the location hint of a request's place", () => {
  it.each([
    [{ continent: "NA", longitude: "-122.4" }, "wnam"],
    [{ continent: "NA", longitude: "-74.0" }, "enam"],
    [{ continent: "EU", longitude: "2.35" }, "weur"],
    [{ continent: "EU", longitude: "21.0" }, "eeur"],
    [{ continent: "AS", country: "JP" }, "apac"],
    [{ continent: "AS", country: "AE" }, "me"],
    [{ continent: "SA" }, "sam"],
    [{ continent: "OC" }, "oc"],
    [{ continent: "AF" }, "afr"],
    [{ continent: "AN" }, undefined],
    [{}, undefined],
  ])("of %o is %s", (place, hint) => {
    expect(hintOf(place)).toBe(hint);
  });
});
