import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { environmentIn, lookByPs, wranglersArguments } from "../../../src/cli/runtime/wrangler-arguments.ts";

describe("the environment in wrangler's arguments", () => {
  it.each<[string[], string | undefined]>([
    [["deploy"], undefined],
    [["deploy", "--env", "staging", "--dry-run"], "staging"],
    [["deploy", "--env=staging"], "staging"],
    [["deploy", "-e", "staging"], "staging"],
    [["deploy", "--env", "", "--dry-run"], ""],
    [["deploy", "--env="], ""],
    [["deploy", "-e", ""], ""],
    [["deploy", "-e="], ""],
    [["deploy", "--env", "staging", "--env", ""], ""],
    [["deploy", "--", "--env", ""], undefined],
    [["deploy", "--env-file", ""], undefined],
  ])("of %j is %j", (args, env) => {
    expect(environmentIn(args)).toBe(env);
  });
});

describe("wrangler's arguments", () => {
  const tree = (args: string[]) => (id: number) => (id === 7 ? { parent: 1, args } : { parent: 7, args: ["/bin/sh", "-c", "check"] });

  it("are those of the wrangler above, with a shell between", () => {
    const args = ["node", "/node_modules/wrangler/wrangler-dist/cli.js", "deploy", "--env", ""];
    expect(wranglersArguments(tree(args))).toEqual(["deploy", "--env", ""]);
    expect(wranglersArguments(tree(["node", "other.js", "deploy", "--env", ""]))).toBeUndefined();
  });

  it.skipIf(!["/bin/ps", "/usr/bin/ps"].some((file) => existsSync(file)))("are read from ps with the empty ones", async () => {
    const child = spawn(process.execPath, ["-e", "process.stdin.resume()", "x", "--env", "", "--dry-run"], {
      stdio: ["pipe", "ignore", "ignore"],
    });
    await once(child, "spawn");
    try {
      const { parent, args } = lookByPs(child.pid!)!;
      expect([parent, environmentIn(args)]).toEqual([process.pid, ""]);
    } finally {
      child.stdin.end();
      await once(child, "exit");
    }
  });
});
