/** Rooms that guests may enter. Nobody makes another one by asking for it. */
const ROOMS = new Set(["lobby", "tea", "workshop"]);

/**
 * The room that a request is for: the key of its object. Runs in the Worker, before any object is made.
 *
 * @throws Response for what is not to reach a room.
 */
export function roomOf(request: Request): string {
  const { pathname, host } = new URL(request.url);
  const room = pathname.slice(1);
  if (!ROOMS.has(room)) throw new Response("There is no such room.", { status: 404 });
  if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
    throw new Response("A room speaks WebSocket.", { status: 426, headers: { upgrade: "websocket" } });
  }
  // A browser lets the script of any site open a socket to here, and says which site it is. Other programs send no Origin.
  const origin = request.headers.get("origin");
  if (origin !== null && URL.parse(origin)?.host !== host) throw new Response("Not from that page.", { status: 403 });
  return room;
}
