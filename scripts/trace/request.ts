/**
 * Sends a no-op HTTP request through the ingress Worker to a replica, in Node, and writes as JSON what ran.
 *
 * A program of its own, because it changes globals, and coverage is a whole process's. The modules are the real ones, from their source:
 * Node only blanks their types, so each position is that of the source.
 */
import type { Profiler } from "node:inspector";
import { Session } from "node:inspector/promises";
import { registerHooks } from "node:module";
import { relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** What ran for one request. */
export interface Trace {
  /** The functions, in the order in which they were entered first. One without a name has the name of the function around it. */
  readonly steps: readonly Step[];
  /** How many lines of code ran, by file. */
  readonly lines: Readonly<Record<string, number>>;
}

export interface Step {
  /** Relative to the repository. */
  readonly file: string;
  readonly name: string;
}

/** A function of the coverage: first its own range, then those of blocks in it that ran more or less often. */
interface Covered extends Step {
  readonly scriptId: string;
  readonly range: Profiler.CoverageRange;
  readonly ranges: readonly Profiler.CoverageRange[];
}

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const PLATFORM = new URL("platform.ts", import.meta.url).href;
/** What is measured in workerd too: an application with a no-op at `/`. */
const APPLICATION = pathToFileURL(`${ROOT}bench/micro/apps/edge-serve.ts`).href;
/** What V8 calls the code of a class's fields. */
const FIELDS = "<instance_members_initializer>";

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === "cloudflare:workers" ? { url: PLATFORM, shortCircuit: true } : next(specifier, context),
});

// Time stands still, and no timer fires: what happens from time to time does not happen beside the request that is traced.
const nowMs = Date.now();
Date.now = () => nowMs;
globalThis.setTimeout = (() => 0) as never;

// What comes in is made by the platform. edge-serve puts a class of its own in this one's place.
const PlatformRequest = Request;

const session = new Session();
session.connect();
await session.post("Profiler.enable");
// Before anything is loaded: functions that were compiled earlier have no counts of their blocks.
await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });

const { exports, namespace } = await import("./platform.ts");
const worker = await import(APPLICATION);
exports["noop__Noop"] = namespace(worker.noop__Noop);
// Hears that the replica has woken, and has nothing to say.
exports["EdgeServeController"] = { getByName: () => ({ report: async () => {} }) };

async function request(): Promise<void> {
  const response: Response = await worker.default.fetch(new PlatformRequest("http://localhost/"));
  if ((await response.text()) !== "ok") throw new Error(`The request was answered with ${response.status}.`);
}

async function coverage(): Promise<Covered[]> {
  const { result } = await session.post("Profiler.takePreciseCoverage");
  return result.flatMap(({ url, scriptId, functions }) => {
    const file = url.startsWith("file:") ? relative(ROOT, fileURLToPath(url)) : url;
    if (!/^(src|durable-objects)\//.test(file)) return [];
    return functions.map(({ functionName: name, ranges }) => ({ file, scriptId, name, range: ranges[0]!, ranges }));
  });
}

// The first request starts the replica, which tells its caller which replicas there are. The second is like all that follow.
await request();
const loaded = await coverage();
await request();
const counted = await coverage();
const ran = counted.filter(({ range }) => range.count > 0);

await session.post("Debugger.enable");
const sources = new Map<string, string>();
for (const { scriptId } of ran) {
  if (!sources.has(scriptId)) sources.set(scriptId, (await session.post("Debugger.getScriptSource", { scriptId })).scriptSource);
}

/** The functions in the order in which one more request enters them. */
async function inOrder(functions: readonly Covered[]): Promise<Covered[]> {
  const entered = new Set<Covered>();
  Object.assign(globalThis, { entered: (index: number) => void entered.add(functions[index]!) });
  for (const [index, { scriptId, range }] of functions.entries()) {
    const [start, end] = [range.startOffset, range.endOffset].map((offset) => {
      const before = sources.get(scriptId)!.slice(0, offset).split("\n");
      return { scriptId, lineNumber: before.length - 1, columnNumber: before.at(-1)!.length };
    });
    const { locations } = await session.post("Debugger.getPossibleBreakpoints", { start: start!, end: end!, restrictToFunction: true });
    // The condition is never true: it only tells that it was asked.
    await session.post("Debugger.setBreakpoint", { location: locations[0]!, condition: `entered(${index})` });
  }
  await request();
  if (entered.size < functions.length) throw new Error("The next request ran less than the one that was counted.");
  return [...entered];
}

/** A function without a name is part of what is around it. */
function nameOf({ file, name, range }: Covered): string {
  if (name !== "") return name.replace(/^get /, "");
  const around = loaded.filter(
    (other) =>
      other.file === file && other.name !== "" && other.range.startOffset < range.startOffset && other.range.endOffset >= range.endOffset,
  );
  return around.toSorted((a, b) => b.range.startOffset - a.range.startOffset)[0]!.name;
}

/** Lines on which something ran that is more than a comment, a bracket, or a field without a value. */
function linesOf(functions: readonly Covered[]): number {
  const source = sources.get(functions[0]!.scriptId)!;
  const hasRun = new Uint8Array(source.length);
  const ranges = functions.flatMap((covered) => covered.ranges);
  const outermostFirst = ranges.toSorted((a, b) => a.startOffset - b.startOffset || b.endOffset - a.endOffset);
  for (const { startOffset, endOffset, count } of outermostFirst) hasRun.fill(count > 0 ? 1 : 0, startOffset, endOffset);
  let at = 0;
  return source.split("\n").filter((line) => {
    const start = at;
    at += line.length + 1;
    if (/^\s*(\/\/|\/?\*)/.test(line) || /^\s*#?\w+\s+;$/.test(line)) return false;
    return Array.from(line).some((character, column) => hasRun[start + column] === 1 && /[\w$]/.test(character));
  }).length;
}

const steps = (await inOrder(ran.filter(({ name }) => name !== FIELDS))).map((covered) => ({ file: covered.file, name: nameOf(covered) }));
const files = Map.groupBy(counted, ({ file }) => file);
const lines = Object.fromEntries([...new Set(ran.map(({ file }) => file))].toSorted().map((file) => [file, linesOf(files.get(file)!)]));
process.stdout.write(JSON.stringify({ steps, lines } satisfies Trace), () => process.exit());
