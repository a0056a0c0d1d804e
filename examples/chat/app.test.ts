import { existsSync } from "node:fs";
import { request } from "node:http";
import type { Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { serve, type Server } from "edge-serve/testing";
import { chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BURST, CLOSED, type FromRoom, MAX_NAME, MAX_TEXT } from "./protocol.ts";

const CHROMIUM = "/usr/bin/chromium";

let server: Server;

beforeAll(async () => {
  server = await serve(fileURLToPath(new URL("serve.yaml", import.meta.url)));
});
afterAll(() => server?.stop());

/** A guest of a room, and all that the room has sent. */
class Guest {
  readonly socket: WebSocket;
  readonly news: FromRoom[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;

  constructor(room: string, name: string) {
    this.socket = new WebSocket(new URL(`/rooms/${room}?name=${encodeURIComponent(name)}`, server.url.replace(/^http/, "ws")));
    this.socket.addEventListener("message", ({ data }) => void this.news.push(JSON.parse(data as string) as FromRoom));
    this.closed = new Promise((resolve) => this.socket.addEventListener("close", ({ code, reason }) => resolve({ code, reason })));
  }
  /** One that is in the room. */
  static async in(room: string, name: string): Promise<Guest> {
    const guest = new Guest(room, name);
    await expect.poll(() => guest.names).toContain(name);
    return guest;
  }
  /** Each message as `name: text`, those before it came first. */
  get heard(): string[] {
    const messages = this.news.flatMap((news) => (news.kind === "history" ? news.messages : news.kind === "message" ? news.message : []));
    return messages.map(({ name, text }) => `${name}: ${text}`);
  }
  get names(): readonly string[] {
    return this.news.findLast((news) => news.kind === "guests")?.names ?? [];
  }
  get refusals(): string[] {
    return this.news.flatMap((news) => (news.kind === "refused" ? news.reason : []));
  }
}

/** An upgrade as no browser would send it, with the connection under it. */
function upgrade(path: string, headers: Record<string, string> = {}): Promise<{ status: number | undefined; socket?: Socket }> {
  const needed = {
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
  };
  return new Promise((resolve, reject) => {
    request(new URL(path, server.url), { headers: { ...needed, ...headers } })
      .on("upgrade", ({ statusCode: status }, socket) => resolve({ status, socket: socket as Socket }))
      .on("response", (response) => resolve({ status: response.resume().statusCode }))
      .on("error", reject)
      .end();
  });
}

describe("a room", () => {
  it("brings what a guest says to all who are there, in one order", async () => {
    const [ada, ben] = [await Guest.in("tea", "Ada"), await Guest.in("tea", "Ben")];
    ada.socket.send("Hello.");
    await expect.poll(() => ben.heard).toEqual(["Ada: Hello."]);
    for (const n of [1, 2, 3]) for (const guest of [ada, ben]) guest.socket.send(`${n}`);
    await expect.poll(() => ben.heard.length).toBe(7);
    await expect.poll(() => ada.heard).toEqual(ben.heard);
    for (const { socket } of [ada, ben]) socket.close();
  });

  it("keeps its history, and no other room's, when the server is killed and started again", async () => {
    const ada = await Guest.in("workshop", "Ada");
    ada.socket.send("Remember this.");
    await expect.poll(() => ada.heard).toEqual(["Ada: Remember this."]);
    await server.kill();
    await ada.closed;
    await server.restart();
    expect((await Guest.in("workshop", "Ben")).heard).toEqual(["Ada: Remember this."]);
    expect((await Guest.in("lobby", "Ben")).heard).toEqual([]);
  });

  it("gives the name and the place of a guest that vanishes to the next one", async () => {
    const ben = await Guest.in("tea", "Ben");
    const { socket: vanishing } = await upgrade("/rooms/tea?name=Eve");
    await expect.poll(() => ben.names).toEqual(["Ben", "Eve"]);
    expect(await new Guest("tea", "Eve").closed).toMatchObject({ code: CLOSED.nameTaken });
    // No close frame, no FIN: the connection is reset.
    vanishing?.resetAndDestroy();
    await expect.poll(() => ben.names).toEqual(["Ben"]);
    const eve = await Guest.in("tea", "Eve");
    for (const { socket } of [ben, eve]) socket.close();
  });

  it.each([
    ["no name", " ", CLOSED.badName],
    ["a name that is too long", "x".repeat(MAX_NAME + 1), CLOSED.badName],
  ])("closes the socket of a guest with %s", async (_what, name, code) => {
    expect(await new Guest("tea", name).closed).toEqual({ code, reason: expect.stringContaining("A name has") });
  });

  it("refuses what is too long, no text, or too much at once, and goes on", async () => {
    const guest = await Guest.in("lobby", "Zoe");
    guest.socket.send("x".repeat(MAX_TEXT + 1));
    guest.socket.send(new Uint8Array(3));
    await expect.poll(() => guest.refusals).toEqual([`At most ${MAX_TEXT} characters.`, "Text only."]);
    for (let n = 0; n < 3 * BURST; n++) guest.socket.send(`${n}`);
    await expect.poll(() => guest.refusals.length + guest.heard.length).toBe(2 + 3 * BURST);
    expect(guest.refusals).toContain("Not so fast.");
    expect(guest.heard.slice(0, BURST)).toEqual(Array.from({ length: BURST }, (_, n) => `Zoe: ${n}`));
    guest.socket.close();
  });
});

describe("the Worker", () => {
  it.each([
    { what: "a room that is not one", path: "/rooms/my-own", headers: {}, status: 404 },
    { what: "no room at all", path: "/rooms", headers: {}, status: 404 },
    { what: "what is no upgrade", path: "/rooms/lobby", headers: { connection: "close", upgrade: "none" }, status: 426 },
    { what: "the script of another site", path: "/rooms/lobby?name=Eve", headers: { origin: "https://eve.example" }, status: 403 },
  ])("answers $status to $what", async ({ path, headers, status }) => {
    expect((await upgrade(path, headers)).status).toBe(status);
  });
});

describe("the page", () => {
  it("lets two browsers talk, and shows what they write as text", async ({ skip }) => {
    skip(!existsSync(CHROMIUM), `There is no ${CHROMIUM}: install Debian's package chromium.`);
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
    try {
      const enter = async (name: string) => {
        const page = await (await browser.newContext()).newPage();
        await page.goto(new URL("/lobby", server.url).href);
        await page.getByLabel("Your name").fill(name);
        await page.getByRole("button", { name: "Enter" }).click();
        return page;
      };
      const [ada, ben] = await Promise.all(["Ada", "Bob"].map(enter));
      const markup = '<img src="x" onerror="document.body.remove()">';
      await ada!.getByText("Bob", { exact: false }).waitFor();
      await ada!.getByLabel("Message").fill(markup);
      await ada!.getByRole("button", { name: "Send" }).click();
      await ben!.getByText(`Ada: ${markup}`).waitFor();
      await ben!.getByLabel("Message").fill("I see.");
      await ben!.getByLabel("Message").press("Enter");
      await ada!.getByText("Bob: I see.").waitFor();
    } finally {
      await browser.close();
    }
  });
});
