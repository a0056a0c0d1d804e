/** What a room and its guests say to each other. A guest sends plain text: each message of the socket is one of the room. */

/** A message as it is stored and shown. */
export interface Said {
  readonly id: number;
  readonly name: string;
  readonly text: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** What a room sends, as JSON. */
export type FromRoom =
  | { readonly kind: "history"; readonly messages: readonly Said[] }
  | { readonly kind: "guests"; readonly names: readonly string[] }
  | { readonly kind: "message"; readonly message: Said }
  | { readonly kind: "refused"; readonly reason: string };

/** Why a room closes a guest's socket. An upgrade that is refused with a status would tell a browser's script nothing. */
export const CLOSED = { badName: 4000, nameTaken: 4001, roomFull: 4002 } as const;

/** The longest name, in characters. */
export const MAX_NAME = 24;
/** The longest message, in characters. */
export const MAX_TEXT = 500;
/** How many messages a guest may send at once; one more is allowed each second. */
export const BURST = 10;
