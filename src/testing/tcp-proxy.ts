/**
 * The server's address: hands connections on to workerd, byte for byte.
 *
 * `wrangler dev` puts a Worker in front that keeps a request going when its client has gone, so nothing behind it ever
 * learns of a disconnect. Here both ends of a connection end together, as they do on Cloudflare.
 *
 * One moment is an exception. workerd never ends a WebSocket whose client resets its connection after the Worker has
 * answered the upgrade and before the answer is on the wire: no event, no signal, neither in the Worker nor in the Durable
 * Object. So an upgrade that is not answered yet is reset when its answer has come, which ends the socket as lost.
 */
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { once } from "node:events";
import { UpgradeWatch } from "./upgrade-watch.ts";

/** A listening relay. */
export interface Relay {
  readonly url: URL;
  /** Ends it, and its connections. */
  close(): void;
}

/**
 * How long a handler that does not answer an upgrade may go without hearing that its client has gone. Long, because a workerd
 * that is held up finds the request and its reset together, and loses the reset.
 */
const MAX_DELAY_MS = 10_000;

/**
 * Listens on `port` of the loopback interface, any free one for 0.
 *
 * @param target Where each new connection goes.
 */
export async function startRelay(port: number, target: () => URL): Promise<Relay> {
  const clients = new Set<Socket>();
  const server: Server = createServer({ noDelay: true }, (client) => {
    clients.add(client);
    client.on("close", () => clients.delete(client));
    const { hostname, port: targetPort } = target();
    const upstream = connect({ host: hostname, port: Number(targetPort), noDelay: true });
    const upgrade = new UpgradeWatch();
    client.on("data", (bytes: Buffer) => upgrade.asked(bytes));
    upstream.on("data", (bytes: Buffer) => upgrade.answered(bytes));
    client.pipe(upstream, { end: false });
    upstream.pipe(client);
    let isGone = false;
    const gone = () => {
      if (isGone) return;
      isGone = true;
      if (upgrade.isPending) resetWhenAnswered(upstream);
      else upstream.resetAndDestroy();
    };
    // Whichever way the client goes: workerd does not take one that merely stops sending for one that has gone.
    for (const event of ["end", "close", "error"]) client.on(event, gone);
    upstream.on("error", () => client.resetAndDestroy());
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const { port: listening } = server.address() as AddressInfo;
  return {
    url: new URL(`http://127.0.0.1:${listening}/`),
    close: () => {
      server.close();
      for (const client of clients) client.destroy();
    },
  };
}

function resetWhenAnswered(upstream: Socket): void {
  const reset = () => upstream.resetAndDestroy();
  const timer = setTimeout(reset, MAX_DELAY_MS);
  upstream.once("close", () => clearTimeout(timer));
  upstream.once("data", reset);
  // A pipe that ends pauses its source.
  upstream.unpipe();
  upstream.resume();
}
