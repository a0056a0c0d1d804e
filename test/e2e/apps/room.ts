/** A WebSocket server that notes what happens to it: as a hand-written Durable Object has it, and as a deployment has it. */

const notes = new Map<string, string[]>();

function notesOf(id: string): string[] {
  let list = notes.get(id);
  if (list === undefined) notes.set(id, (list = []));
  return list;
}

// Commands of the client, which the server obeys.
function obey(server: WebSocket, command: string): void {
  const [verb, first = "", second = ""] = command.split(":");
  if (verb === "close") server.close(first === "" ? undefined : Number(first), second === "" ? undefined : second);
  if (verb === "close-long") server.close(4000, "x".repeat(Number(first)));
  if (verb === "throw") throw new Error("thrown by a listener");
  if (verb === "reject") void Promise.reject(new Error("rejected by a listener"));
  if (verb === "send-after-close") {
    server.close(4003, "first");
    server.send("too late");
  }
  if (verb === "twice") {
    server.close(4004, "one");
    server.close(4005, "two");
  }
  if (verb === "big") server.send("y".repeat(Number(first)));
  if (verb === "bytes") server.send(new Uint8Array([1, 2, 3]));
  if (verb === "arraybuffer") server.binaryType = "arraybuffer";
  if (verb === "state") server.send(`state ${server.readyState}`);
}

function join(id: string, mode: string | null): Response {
  const list = notesOf(id);
  const { 0: client, 1: server } = new WebSocketPair();
  const note = (text: string) => void list.push(text);
  const guarded = (act: () => void) => {
    try {
      act();
    } catch (error) {
      note(`threw ${(error as Error).name}: ${(error as Error).message}`);
    }
  };
  if (mode === "before-accept") guarded(() => server.send("before"));
  server.accept();
  server.addEventListener("message", ({ data }) => {
    note(
      typeof data === "string" ? `message ${data.length > 100 ? data.length : data}` : `message ${Object.prototype.toString.call(data)}`,
    );
    if (typeof data !== "string") return;
    if (data === "throw" || data === "reject") obey(server, data);
    else guarded(() => obey(server, data));
  });
  server.addEventListener("close", ({ code, reason, wasClean }) =>
    note(`close ${code} ${JSON.stringify(reason)} ${wasClean} ${server.readyState}`),
  );
  server.addEventListener("error", ({ error }) => note(`error ${String(error)}`));
  if (mode === "greet") server.send("welcome");
  if (mode === "close-at-once") server.close(4002, "not you");
  return new Response(null, { status: 101, webSocket: client, headers: { "x-room": "yes" } });
}

/** Where two callers meet: neither is answered before both are there. */
let waiting: (() => void) | undefined;

async function meet(): Promise<Response> {
  if (waiting === undefined) await new Promise<void>((resolve) => (waiting = resolve));
  else {
    waiting();
    waiting = undefined;
  }
  return new Response("met");
}

/** The handler, of the one and of the other. */
export function room(request: Request): Response | Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  const id = searchParams.get("id") ?? "";
  if (pathname === "/notes") return Response.json(notesOf(id));
  if (pathname === "/meet") return meet();
  if (searchParams.get("mode") === "refuse") return new Response("No.", { status: 403 });
  return join(id, searchParams.get("mode"));
}
