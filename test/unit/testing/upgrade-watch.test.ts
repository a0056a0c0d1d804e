import { describe, expect, it } from "vitest";
import { UpgradeWatch } from "../../../src/testing/upgrade-watch.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n";
const UPGRADE = `${GET}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
const SWITCHED = "HTTP/1.1 101 Switching Protocols\r\n\r\n";
const OK = "HTTP/1.1 200 OK\r\n\r\n";

/** What goes over a connection: `>` from the client, `<` from the server. */
const CONNECTIONS: readonly (readonly [name: string, bytes: readonly string[], isPending: boolean])[] = [
  ["nothing", [], false],
  ["a request without an upgrade", [`>${GET}\r\n`], false],
  ["an upgrade", [`>${UPGRADE}`], true],
  ["an upgrade in other letters and spaces", [`>${GET}UPGRADE:\t WebSocket \r\n\r\n`], true],
  ["an upgrade in pieces", [`>${UPGRADE.slice(0, 60)}`, `>${UPGRADE.slice(60)}`], true],
  ["an upgrade byte by byte", [...UPGRADE].map((byte) => `>${byte}`), true],
  ["an upgrade to something else", [`>${GET}Upgrade: h2c\r\n\r\n`], false],
  ["a header whose name only ends like it", [`>${GET}X-Upgrade: websocket\r\n\r\n`], false],
  ["an upgrade that is answered", [`>${UPGRADE}`, `<${SWITCHED}`], false],
  ["an upgrade that is refused", [`>${UPGRADE}`, `<${OK}`], false],
  ["a second upgrade after a refused one", [`>${UPGRADE}`, `<${OK}`, `>${UPGRADE}`], true],
  ["an upgrade after another request", [`>${GET}\r\n`, `<${OK}`, `>${UPGRADE}`], true],
  ["frames that look like an upgrade", [`>${UPGRADE}`, `<${SWITCHED}`, `>${UPGRADE}`], false],
  ["an upgrade behind more than a head", [`>${GET}\r\n${"x".repeat(16_384)}`, `>${UPGRADE}`], false],
];

describe("UpgradeWatch", () => {
  it.each(CONNECTIONS)("knows whether an upgrade waits for its answer: %s", (_, bytes, isPending) => {
    const watch = new UpgradeWatch();
    for (const text of bytes) {
      if (text.startsWith(">")) watch.asked(Buffer.from(text.slice(1)));
      else watch.answered(Buffer.from(text.slice(1)));
    }
    expect(watch.isPending).toBe(isPending);
  });
});
