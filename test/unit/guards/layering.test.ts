import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";

const RUNTIME = [
  "api",
  "batching",
  "context",
  "controller",
  "dashboard",
  "handle",
  "ingress",
  "multiplexing",
  "observe",
  "protocol",
  "replica",
  "router",
  "tasks",
  "traffic",
];

/** Who may import whom. A room may always import itself; what is not listed is forbidden. */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  api: ["protocol"],
  context: ["protocol"],
  observe: ["protocol", "context"],
  batching: ["protocol", "api", "context", "observe"],
  multiplexing: ["protocol", "api", "context", "observe"],
  config: ["protocol", "api"],
  compile: ["protocol", "api", "config", "traffic"],
  router: ["protocol", "observe"],
  traffic: ["protocol"],
  replica: ["protocol", "observe", "context", "multiplexing", "traffic"],
  handle: ["protocol", "router", "context"],
  ingress: ["protocol", "context", "handle", "observe", "dashboard", "traffic"],
  controller: ["protocol", "config", "observe", "traffic"],
  tasks: ["protocol"],
  client: ["protocol", "handle", "api"],
  local: RUNTIME.filter((room) => !["ingress", "controller", "dashboard"].includes(room)),
  dashboard: ["protocol", "observe", "traffic"],
  cli: ["compile", "config", "api", "protocol", "traffic"],
  testing: ["compile", "config", "api", "protocol", "cli", "client", "local"],
  // The composition roots. `index` re-exports what loads in Node as well as in workerd, so no room that needs a platform.
  index: ["api", "batching", "context", "multiplexing", "protocol"],
  worker: [...RUNTIME, "compile", "config", "durable-objects"],
  "durable-objects": RUNTIME.filter((room) => room !== "api" && room !== "dashboard"),
};

const files = ["src", "durable-objects"].flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => /\.tsx?$/.test(file) && !file.endsWith(".d.ts"))
    .map((file) => normalize(join(folder, file))),
);

/** The first folder below `src`; for a file right in `src` its name, so that `testing.ts` and `testing/` are one room. */
function roomOf(file: string): string {
  const [first = "", second = ""] = file.split("/");
  return first === "src" ? second.replace(/\.tsx?$/, "") : first;
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

  it("lets only worker.ts and durable-objects touch the platform", () => {
    const touching = files.filter((file) => importsOf(file).some((specifier) => specifier.startsWith("cloudflare:")));
    expect(touching.filter((file) => !["worker", "durable-objects"].includes(roomOf(file)))).toEqual([]);
  });

  it("lets only the tools touch Node, but for the request context's AsyncLocalStorage", () => {
    const touching = files
      .filter((file) => !["cli", "testing"].includes(roomOf(file)))
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
