/**
 * The keyed deployments of `test/e2e/apps/keyed.ts`, served for a test file.
 */
import type { KeyedHandle } from "../../src/index.ts";
import { serve, type Server } from "../../src/testing.ts";
import type { Cart } from "../e2e/apps/keyed.ts";

export const TOKEN = "0123456789abcdef-keyed";

/** The server, and its keyed deployment that has no route. */
export interface KeyedShop {
  readonly server: Server;
  readonly carts: KeyedHandle<Cart>;
}

export async function serveShop(): Promise<KeyedShop> {
  const server = await serve("test/e2e/apps/keyed.yaml", { token: TOKEN, quiet: true });
  return { server, carts: server.keyed<typeof Cart>("Cart", "shop") };
}

let made = 0;

/** A key that no other test has. */
export function newKey(): string {
  return `cart ${made++}`;
}
