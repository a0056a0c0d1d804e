import { fileURLToPath } from "node:url";
import * as serve from "edge-serve";
import { runLocal, serve as serveApp, type Server } from "edge-serve/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { app } from "./app.ts";
import { MAX_BYTES } from "./document.ts";
import { type Mail, readMail } from "./mail.ts";
import heldOut from "./spam-model/held-out.json" with { type: "json" };
import { Spam } from "./spam.ts";
import type { TriageResult } from "./triage.ts";

// Real mails that the filter was not trained on, half of them spam.
const MAILS = heldOut.map(({ kind, raw }) => ({ kind, raw: new TextEncoder().encode(raw) }));

const rawMail = (part: string) => MAILS[heldOut.findIndex(({ raw }) => raw.includes(part))]!.raw;

const SOLAR: Mail = {
  subject: "Die Wartung der Anlage",
  text: "Sehr geehrte Frau Weber, die jährliche Wartung Ihrer Anlage findet am nächsten Dienstag statt. Mit freundlichen Grüßen",
};

// A part in a part in a part.
const BOTTOMLESS = "Content-Type: multipart/mixed; boundary=a\n\n--a\n".repeat(1000);

describe("the application, in this process", () => {
  it("finds language, spam and facts of a mail", async () => {
    const mail = await readMail(rawMail("Subject: EASY CREDIT REPAIR"));
    const result = await runLocal(app).remote(mail);
    expect(result).toMatchObject({ folder: "junk", language: "en", subject: expect.stringContaining("CREDIT REPAIR") });
    expect(result.because).toContain("credit");
    expect(result.facts?.mentions["MONEY"]).toEqual(["$49.95", "$99.00"]);
  });

  it("looks for facts in English mails only", async () => {
    expect(await runLocal(app).remote(SOLAR)).toMatchObject({ language: "de", facts: null });
    expect(await runLocal(app).remote(await readMail(rawMail("Quelqu'un t'aime")))).toMatchObject({ language: "fr", facts: null });
  });

  it("says that it can't tell the language of three words", async () => {
    expect(await runLocal(app).remote({ subject: "", text: "ok, see you" })).toMatchObject({ language: "und", margin: 0 });
  });

  it("is done in no time with a mail that is one endless word, or nothing but addresses", { timeout: 5000 }, async () => {
    const { subject, text } = await readMail(rawMail("Subject: EASY CREDIT REPAIR"));
    for (const filling of ["a", "a@", "$1,", "http://a."]) {
      const long = { subject, text: text + filling.repeat((MAX_BYTES - text.length) / filling.length) };
      expect(await runLocal(app).remote(long)).toMatchObject({ language: "en", facts: { mentions: { MONEY: ["$49.95", "$99.00"] } } });
    }
  });

  it("draws the line where user_config puts it", async () => {
    const mail = await readMail(rawMail("Testing a system, please delete"));
    const verdictWith = (userConfig: { junkFrom: number; reviewFrom: number }) =>
      runLocal(serve.deployment(Spam, { userConfig }).bind()).remote(mail);
    expect(await verdictWith({ junkFrom: 0.8, reviewFrom: 0.5 })).toMatchObject({ folder: "junk" });
    expect(await verdictWith({ junkFrom: 0.99, reviewFrom: 0.5 })).toMatchObject({ folder: "review" });
    expect(await verdictWith({ junkFrom: 0.99, reviewFrom: 0.95 })).toMatchObject({ folder: "inbox" });
  });

  it("refuses thresholds in the wrong order, and says so", () => {
    expect(() => new Spam().reconfigure({ junkFrom: 0.2, reviewFrom: 0.5 })).toThrow(/0 <= reviewFrom <= junkFrom <= 1, got .*0\.2/);
  });
});

describe("the application, served over HTTP", () => {
  let server: Server;

  beforeAll(async () => {
    server = await serveApp(fileURLToPath(new URL("serve.yaml", import.meta.url)));
  });

  afterAll(() => server.stop());

  const post = (body: string | Uint8Array<ArrayBuffer>, contentType: string) =>
    server.fetch("/mail", { method: "POST", body, headers: { "content-type": contentType } });

  it("tells spam from ham in at least 95 of 100 mails that it has not seen, all sent at once", async () => {
    const results = await Promise.all(
      MAILS.map(async ({ kind, raw }) => {
        const response = await post(raw, "message/rfc822");
        const { probability } = (await response.json()) as TriageResult;
        return probability >= 0.5 === (kind === "spam");
      }),
    );
    expect(results.filter((isRight) => isRight).length).toBeGreaterThanOrEqual(95);
  });

  it("answers the same in a Worker as in this process, whatever form the mail is sent in", async () => {
    const mail = await readMail(rawMail("Subject: [Razor-users] Razor Server Error"));
    const here = await runLocal(app).remote(mail);
    expect(here.folder).toBe("inbox");
    expect(await (await post(rawMail("Subject: [Razor-users] Razor Server Error"), "message/rfc822")).json()).toEqual(here);
    expect(await (await post(JSON.stringify(mail), "application/json")).json()).toEqual(here);
  });

  it("takes plain text as a mail without a subject", async () => {
    const response = await post(`${SOLAR.subject}. ${SOLAR.text}`, "text/plain; charset=utf-8");
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ subject: "", language: "de" });
  });

  it("uses the thresholds of serve.yaml, not those in the code", async () => {
    const response = await post(rawMail("Testing a system, please delete"), "message/rfc822");
    const { folder, probability } = (await response.json()) as TriageResult;
    expect(probability).toBeGreaterThanOrEqual(0.8);
    expect(probability).toBeLessThan(0.9);
    expect(folder).toBe("junk");
  });

  it("logs one request under one id in all four deployments", async () => {
    const headers = { "content-type": "text/plain", "x-request-id": "mail-4711" };
    await server.fetch("/mail", { method: "POST", headers, body: "Lunch on Friday at 12:30, my treat: about $20." });
    await server.waitForLog(({ message, fields }) => message.startsWith("POST /mail") && fields["requestId"] === "mail-4711");
    const deployments = server.logs().flatMap(({ fields }) => (fields["requestId"] === "mail-4711" ? [fields["deployment"]] : []));
    expect(new Set(deployments)).toEqual(new Set(["Triage", "Language", "Spam", "Facts"]));
  });

  it.each([
    { what: "an empty body", body: "", type: "message/rfc822", status: 400, says: "The body is empty. Send the mail in it." },
    { what: "a mail without content", body: "\n\n \n", type: "text/plain", status: 400, says: "neither a subject nor any text" },
    { what: "broken JSON", body: '{ "text": ', type: "application/json", status: 400, says: "The body is not JSON: " },
    {
      what: "JSON that is no mail",
      body: '{ "subject": 7 }',
      type: "application/json",
      status: 400,
      says: '"subject" must be a string. It must be an object that has "text".',
    },
    { what: "bytes that are not UTF-8", body: new Uint8Array([0xff, 0xfe]), type: "text/plain", status: 400, says: "not UTF-8" },
    { what: "a bottomless message", body: BOTTOMLESS, type: "message/rfc822", status: 400, says: "The message can't be read: Maximum" },
    {
      what: "a picture",
      body: "GIF89a",
      type: "image/gif",
      status: 415,
      says: 'The Content-Type is "image/gif". What can be read is: message/rfc822',
    },
    { what: "too much", body: "a".repeat(MAX_BYTES + 1), type: "text/plain", status: 413, says: `longer than ${MAX_BYTES} bytes` },
  ])("refuses $what with status $status and says why", async ({ body, type, status, says }) => {
    const response = await post(body, type);
    expect(response.status).toBe(status);
    expect(await response.text()).toContain(says);
  });

  it("refuses other methods with what is possible, and other paths", async () => {
    const response = await server.fetch("/mail");
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe("POST");
    expect(await response.text()).toContain("POST a mail as message/rfc822");
    expect((await server.fetch("/mail/box", { method: "POST", body: "x" })).status).toBe(404);
  });
});
