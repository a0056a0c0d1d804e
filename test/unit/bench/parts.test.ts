import { describe, expect, it } from "vitest";
import { withPart } from "../../../bench/parts.ts";

const begin = (program: string) => `<!-- Begin: written by npm run ${program}. Do not edit. -->`;
const end = (program: string) => `<!-- End: npm run ${program}. -->`;
const page = `# Page\n\n${begin("a")}\n\nold a\n\n${end("a")}\n\nBetween.\n\n${begin("b")}\n${end("b")}\n`;

describe("a page that several programs write", () => {
  it("gets a program's part, and keeps what is around it", () => {
    const written = withPart(page, "a", "new a\n");
    expect(written).toBe(page.replace("old a", "new a"));
    expect(withPart(written, "b", "b").endsWith(`${begin("b")}\n\nb\n\n${end("b")}\n`)).toBe(true);
  });

  it("is the same when a part is written twice", () => {
    const once = withPart(page, "b", "text");
    expect(withPart(once, "b", "text")).toBe(once);
  });

  it("says what is missing where a program has no part", () => {
    expect(() => withPart(page, "c", "text")).toThrow("The page has no part of npm run c: put <!-- Begin");
  });
});
