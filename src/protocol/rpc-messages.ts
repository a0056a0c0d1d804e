/**
 * Calls that come over HTTP: `POST /-/rpc/<app>`, a {@link RpcCall} in, a line of text for each {@link RpcFrame} out.
 */
import type { WireError } from "./error-codec.ts";
import type { HandleOptionsRef, ItemBatch } from "./messages.ts";

export const RPC_PATH = "/-/rpc/";

/** A call to an application's ingress deployment, or to the one named. */
export interface RpcCall {
  readonly deployment?: string;
  readonly method?: string;
  readonly args: readonly unknown[];
  readonly options: HandleOptionsRef;
  readonly requestId?: string;
  /** Calls every replica; answered by one `broadcast` frame. */
  readonly broadcast?: true;
}

/** What comes back. `stream` is followed by `items` frames until one is done. */
export type RpcFrame =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "error"; readonly error: WireError }
  | { readonly kind: "stream" }
  | ({ readonly kind: "items" } & ItemBatch)
  | { readonly kind: "broadcast"; readonly replies: readonly RpcFrame[] };
