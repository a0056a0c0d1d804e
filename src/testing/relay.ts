/**
 * The server's address: hands connections on to workerd, byte for byte.
 *
 * `wrangler dev` puts a Worker in front that keeps a request going when its client has gone, so nothing behind it ever
 * learns of a disconnect. Here both ends of a connection end together, as they do on Cloudflare.
 */
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { once } from "node:events";

/** A listening relay. */
export interface Relay {
  readonly url: URL;
}

/**
 * Listens on `port` of the loopback interface, any free one for 0.
 *
 * @param target Where each new connection goes.
 */
export async function startRelay(port: number, target: () => URL): Promise<Relay> {
  const server: Server = createServer({ noDelay: true }, (client) => {
    const { hostname, port: targetPort } = target();
    const upstream = connect({ host: hostname, port: Number(targetPort), noDelay: true });
    client.pipe(upstream, { end: false });
    upstream.pipe(client);
    // Whichever way the client goes: workerd does not take one that merely stops sending for one that has gone.
    for (const event of ["end", "close", "error"]) client.on(event, () => upstream.resetAndDestroy());
    upstream.on("error", () => client.resetAndDestroy());
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const { port: listening } = server.address() as AddressInfo;
  return { url: new URL(`http://127.0.0.1:${listening}/`) };
}
