import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Command } from "../command.ts";
import { EXIT, Failure, portOf } from "../failure.ts";
import type { OperatorClient } from "../operator/client.ts";
import { connect, URL_OPTION } from "../operator/connect.ts";

/** Ray's own. */
const DEFAULT_PORT = 8265;
const HOST = "127.0.0.1";

/**
 * Shows the dashboard of a running system in a browser of this machine.
 *
 * A browser cannot send the token when it opens a page, and must not keep it: so the pages come by way of this process, which has
 * the token, hands out nothing but those pages, and only to this machine. What a form of them asks for is passed on if the browser says
 * that the form is of a page that came from here.
 */
export const dashboard: Command = {
  name: "dashboard",
  summary: "Show the dashboard of a running system in a browser of this machine, until Ctrl-C.",
  args: [],
  options: [
    URL_OPTION,
    { flags: "--port <number>", summary: `where to listen on this machine (default: ${DEFAULT_PORT}; 0 is any that is free)` },
  ],
  examples: ["edge-serve dashboard", "edge-serve dashboard --url https://my-app.my-account.workers.dev --port 9000"],
  run: async ({ options }, io) => {
    const port = portOf(options["port"]) ?? DEFAULT_PORT;
    const client = connect(options, io);
    // Whatever is wrong with the address or the token is better said here than in the browser.
    await client.dashboard();
    const server = await listening(
      createServer((request, response) => void answer(request, response, client)),
      port,
    );
    io.out(`The dashboard of ${client.origin} is at http://${HOST}:${(server.address() as AddressInfo).port}/\n`);
    await ended(server, io.signal);
    return EXIT.ok;
  },
};

async function answer(request: IncomingMessage, response: ServerResponse, client: OperatorClient): Promise<void> {
  const say = (status: number, text: string) => response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(text);
  const { method, url = "" } = request;
  // A page from elsewhere whose name has come to mean this machine has another host.
  if (!isOwnHost(request)) return void say(403, "The dashboard is only for this machine.");
  // Any page can have a browser send a form here.
  if (method === "POST" && !isOwnForm(request)) return void say(403, "That form is not of this dashboard.");
  if ((method !== "GET" && method !== "POST") || !(url === "/" || url.startsWith("/?"))) return void say(404, "The dashboard is at /.");
  try {
    const { status, html, headers } = await client.dashboard(url.slice(1), method);
    response.writeHead(status, headers).end(html);
  } catch (error) {
    say(502, error instanceof Failure ? error.message : String(error));
  }
}

function isOwnHost({ headers, socket }: IncomingMessage): boolean {
  return [HOST, "localhost"].some((name) => headers.host === `${name}:${socket.localPort}`);
}

/** Whether a browser says that what it sends is of a page that came from here. */
function isOwnForm({ headers }: IncomingMessage): boolean {
  return (
    headers.origin === `http://${headers.host}` && ["same-origin", undefined].includes(headers["sec-fetch-site"] as string | undefined)
  );
}

function listening(server: Server, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    server.once("error", ({ code, message }: NodeJS.ErrnoException) =>
      reject(new Failure(code === "EADDRINUSE" ? `Port ${port} is in use. Choose another with --port; 0 is any that is free.` : message)),
    );
    server.listen(port, HOST, () => resolve(server));
  });
}

function ended(server: Server, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      server.close(() => resolve());
      server.closeAllConnections();
    };
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true });
  });
}
