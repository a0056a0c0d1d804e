import * as serve from "edge-serve";
import { Page } from "./page.ts";
import { Room } from "./room.ts";
import { roomOf } from "./room-of.ts";

/** The objects, one for each room. */
export const rooms = serve.deployment(Room, { keyed: { key: roomOf } }).bind();

/** What a browser loads first. It needs no storage, so it runs in the Worker itself. */
export const page = serve.deployment(Page, { placement: "inline" }).bind();
