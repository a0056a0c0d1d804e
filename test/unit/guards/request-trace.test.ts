import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { withPart } from "../../../bench/parts.ts";
import { listOf, PAGE, traceRequest } from "../../../scripts/trace/trace.ts";

/** What a request crosses at most. Whoever shortens the way lowers these; the aim is 20 files and 230 lines. */
const MAX_FILES = 36;
const MAX_LINES = 510;

describe("the way of a no-op request", () => {
  const trace = traceRequest();

  it(`is the list in ${PAGE}; \`npm run trace\` writes it`, () => {
    const page = readFileSync(PAGE, "utf8");
    expect(page).toBe(withPart(page, "trace", listOf(trace)));
  });

  it("begins in the entry, passes the router, reaches the user's code in the replica, and ends with what the router makes of the answer", () => {
    const files = trace.steps.map(({ file }) => file);
    expect(files[0]).toBe("src/worker.ts");
    const stations = ["src/ingress/ingress.ts", "src/router/router.ts", "durable-objects/replica.ts", "src/replica/http-handler.ts"];
    const places = stations.map((station) => files.indexOf(station));
    expect(places).toEqual(places.filter((place) => place !== -1).toSorted((a, b) => a - b));
    expect(files.at(-1)).toMatch(/^src\/router\//);
  });

  it(`crosses at most ${MAX_FILES} files and ${MAX_LINES} lines of code`, () => {
    const lines = Object.values(trace.lines).reduce((sum, count) => sum + count, 0);
    console.info(`a no-op request: ${Object.keys(trace.lines).length} files, ${lines} lines of code`);
    expect(Object.keys(trace.lines).length).toBeLessThanOrEqual(MAX_FILES);
    expect(lines).toBeLessThanOrEqual(MAX_LINES);
  });
});
