/** The room as a deployment, with two slots. */
import * as serve from "edge-serve";
import { room } from "./room.ts";

class Room {
  async fetch(request: Request): Promise<Response> {
    const { searchParams } = new URL(request.url);
    const waitMs = Number(searchParams.get("wait-ms"));
    if (waitMs > 0) {
      console.log(`Working on ${searchParams.get("id")}.`);
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
    // Its events come to the object's class, which has no part in this.
    if (searchParams.get("mode") === "hibernate") {
      const { 0: client, 1: server } = new WebSocketPair();
      serve.getReplicaContext().state.acceptWebSocket(server);
      return new Response(null, { status: 101, webSocket: client });
    }
    if (searchParams.get("mode") === "never-accept") return new Response(null, { status: 101, webSocket: new WebSocketPair()[0] });
    return room(request);
  }
}

export const app = serve.deployment(Room, { maxOngoingRequests: 2 }).bind();
