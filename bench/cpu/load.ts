/**
 * The load: sends a slice of requests to one service when it is told to. A process of its own, so that its computing is in no
 * figure; its connections stay open between slices, so that no figure has a handshake.
 */
import { Agent, get, type RequestOptions } from "node:http";

/** A slice of requests to one service. */
export interface Slice {
  readonly port: number;
  readonly path: string;
  readonly requests: number;
  readonly connections: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What comes back: why the slice failed, or nothing. */
export type SliceOutcome = string | null;

const agents = new Map<number, Agent>();

async function send({ port, path, requests, connections, headers = {} }: Slice): Promise<void> {
  let agent = agents.get(port);
  if (agent === undefined) agents.set(port, (agent = new Agent({ keepAlive: true, maxSockets: connections })));
  const options = { host: "127.0.0.1", port, path, agent, headers };
  await Promise.all(Array.from({ length: requests }, () => answered(options)));
}

function answered(options: RequestOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    get(options, (response) => {
      if (response.statusCode !== 200) reject(new Error(`It answered ${response.statusCode}; it must answer 200.`));
      response.on("end", resolve).on("error", reject).resume();
    }).on("error", reject);
  });
}

process.on("message", (slice: Slice) => {
  const reply = (outcome: SliceOutcome) => process.send?.(outcome);
  send(slice).then(
    () => reply(null),
    (error: unknown) => reply(String(error)),
  );
});
