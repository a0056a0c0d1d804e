import { describe, it } from "vitest";
import { MemoryTaskStore } from "../../../src/tasks/store.ts";
import { STORE_BEHAVIOURS } from "../../support/task-store-conformance.ts";

describe("a store of tasks in memory", () => {
  it.each(STORE_BEHAVIOURS)("%s", (_, shows) => {
    shows(new MemoryTaskStore());
  });
});
