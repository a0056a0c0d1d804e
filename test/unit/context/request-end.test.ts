import { expect, it, vi } from "vitest";
import { RequestScope } from "../../../src/context/scope.ts";
import { requestMeta } from "../../support/scope.ts";

it("tells each listener once that a request is over, in the order in which they came, and a late one at once", () => {
  const scope = new RequestScope(requestMeta());
  const told: string[] = [];
  scope.onEnd(() => told.push("first"));
  scope.onEnd(() => told.push("second"));
  expect(told).toEqual([]);
  scope.end();
  scope.end();
  scope.onEnd(() => told.push("late"));
  expect(told).toEqual(["first", "second", "late"]);
});

it("is not over when it is aborted: user code may still run", () => {
  const scope = new RequestScope(requestMeta());
  const listener = vi.fn();
  scope.onEnd(listener);
  scope.abort(new Error("gone"));
  expect(listener).not.toHaveBeenCalled();
});
