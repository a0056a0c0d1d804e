import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";

/** Who imports whom, and nothing else may: what is no longer imported goes from here, and from docs/architecture.md. */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  api: ["protocol"],
  context: ["protocol"],
  config: ["api", "protocol"],
  compile: ["api", "config", "protocol", "tasks", "traffic"],
  observe: ["context", "protocol"],
  router: ["protocol"],
  traffic: ["protocol"],
  batching: ["api", "context", "observe", "protocol"],
  multiplexing: ["api", "context", "observe", "protocol"],
  controller: ["config", "observe", "protocol", "traffic"],
  replica: ["context", "multiplexing", "observe", "protocol", "traffic"],
  handle: ["api", "context", "protocol"],
  operator: ["compile", "config", "observe", "protocol", "traffic"],
  ingress: ["context", "handle", "operator", "protocol", "traffic"],
  tasks: ["protocol", "router"],
  client: ["api", "handle", "protocol", "router"],
  inline: ["api", "context", "observe", "protocol", "replica", "router"],
  local: ["api", "context", "handle", "inline", "protocol", "replica", "router", "tasks"],
  cli: ["compile", "config", "protocol", "traffic"],
  testing: ["api", "cli", "client", "protocol"],
  "durable-objects/": [
    "api",
    "context",
    "controller",
    "handle",
    "ingress",
    "inline",
    "operator",
    "protocol",
    "replica",
    "router",
    "tasks",
    "traffic",
  ],
  // The entries. `index` re-exports what loads in Node as well as in workerd, so no room that needs a platform.
  "index.ts": ["api", "batching", "context", "handle", "multiplexing", "observe", "protocol"],
  "worker.ts": ["compile", "context", "durable-objects/", "handle", "ingress", "observe", "operator", "protocol"],
  "client.ts": ["client", "protocol"],
  "testing.ts": ["local", "testing"],
};

const files = ["src", "durable-objects"].flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => /\.tsx?$/.test(file) && !file.endsWith(".d.ts"))
    .map((file) => normalize(join(folder, file))),
);

/** The first folder below `src`; an entry, right in `src`, is a room of its own. */
function roomOf(file: string): string {
  const [first = "", second = ""] = file.split("/");
  return first === "src" ? second : `${first}/`;
}

function importsOf(file: string): string[] {
  const text = readFileSync(file, "utf8").replaceAll(/\/\*[\s\S]*?\*\//g, "");
  const statements = text.matchAll(
    /^\s*(?:import|export)\b[^"';]*?\bfrom\s+["']([^"']+)["']|^\s*import\s+["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']/gm,
  );
  return [...statements].map(([, from, bare, dynamic]) => (from ?? bare ?? dynamic) as string);
}

describe("the layering", () => {
  it("has a place for every room", () => {
    expect([...new Set(files.map(roomOf))].filter((room) => ROOMS[room] === undefined)).toEqual([]);
  });

  it.each(files)("holds in %s", (file) => {
    const room = roomOf(file);
    const wrong = importsOf(file)
      .filter((specifier) => specifier.startsWith("."))
      .map((specifier) => normalize(join(dirname(file), specifier)))
      .filter((target) => roomOf(target) !== room && !ROOMS[room]?.includes(roomOf(target)));
    expect(wrong, `${file} is in ${room}, which may import ${ROOMS[room]?.join(", ") || "nothing"}`).toEqual([]);
  });

  it("says what is, in the guard and in docs/architecture.md", () => {
    const imported = (room: string) =>
      files
        .filter((file) => roomOf(file) === room)
        .flatMap((file) => importsOf(file).map((specifier) => [file, specifier] as const))
        .filter(([, specifier]) => specifier.startsWith("."))
        .map(([file, specifier]) => roomOf(normalize(join(dirname(file), specifier))))
        .filter((target) => target !== room);
    const actual = Object.keys(ROOMS).map((room) => [room, [...new Set(imported(room))].toSorted()]);
    expect(Object.fromEntries(actual)).toEqual(ROOMS);
    const rows = readFileSync("docs/architecture.md", "utf8").matchAll(/^\| `([a-z/.-]+)` \| [^|]* \| ([^|]*) \|$/gm);
    const documented = [...rows].map(([, room = "", list = ""]) => [room, list === "nothing" ? [] : list.split(", ")]);
    expect(Object.fromEntries(documented)).toEqual(ROOMS);
  });

  it("lets only worker.ts and durable-objects touch the platform", () => {
    const touching = files.filter((file) => importsOf(file).some((specifier) => specifier.startsWith("cloudflare:")));
    expect(touching.filter((file) => !["worker.ts", "durable-objects/"].includes(roomOf(file)))).toEqual([]);
  });

  it("lets only the tools touch Node, but for the request context's AsyncLocalStorage", () => {
    const touching = files
      .filter((file) => !["cli", "testing", "testing.ts"].includes(roomOf(file)))
      .flatMap((file) => importsOf(file).map((specifier) => ({ file, specifier })))
      .filter(({ file, specifier }) => specifier.startsWith("node:") && !(roomOf(file) === "context" && specifier === "node:async_hooks"));
    expect(touching).toEqual([]);
  });

  it("names files, not folders, and with their ending", () => {
    const loose = files.flatMap((file) =>
      importsOf(file)
        .filter((specifier) => specifier.startsWith(".") && !/\.(ts|tsx|json|html|css)$/.test(specifier))
        .map((specifier) => `${file}: ${specifier}`),
    );
    expect(loose).toEqual([]);
  });
});
