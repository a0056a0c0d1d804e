/**
 * The load: a fixed number of keep-alive connections that each send the next request when they have the answer.
 *
 * A process of its own (`node load.ts <url> <connections> <ms>`), so that its computing is not anybody else's; prints a
 * {@link Load} as JSON.
 */
import { Agent, get } from "node:http";
import { ascending, percentile } from "../statistics.ts";

/** What came of it. */
export interface Load {
  readonly requests: number;
  readonly seconds: number;
  readonly p99Ms: number;
}

async function load(url: string, connections: number, ms: number): Promise<Load> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const tookMs: number[] = [];
  const startedAtMs = performance.now();
  const connection = async () => {
    while (performance.now() - startedAtMs < ms) {
      const sentAtMs = performance.now();
      await answered(url, agent);
      tookMs.push(performance.now() - sentAtMs);
    }
  };
  await Promise.all(Array.from({ length: connections }, connection));
  agent.destroy();
  return { requests: tookMs.length, seconds: (performance.now() - startedAtMs) / 1000, p99Ms: percentile(ascending(tookMs), 0.99) };
}

function answered(url: string, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    get(url, { agent }, (response) => {
      if (response.statusCode !== 200) return reject(new Error(`${url} answered ${response.statusCode}; it must answer 200.`));
      response.on("end", resolve).on("error", reject).resume();
    }).on("error", reject);
  });
}

if (import.meta.main) {
  const [url = "", connections = "1", ms = "1000"] = process.argv.slice(2);
  console.log(JSON.stringify(await load(url, Number(connections), Number(ms))));
}
