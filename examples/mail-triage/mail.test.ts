import { describe, expect, it } from "vitest";
import { readMail } from "./mail.ts";

const read = (lines: string[]) => readMail(new TextEncoder().encode(lines.join("\r\n")));

describe("readMail", () => {
  it("decodes the subject and the text", async () => {
    const mail = await read([
      "Subject: =?iso-8859-1?Q?Gr=FC=DFe?=",
      "Content-Type: text/plain; charset=iso-8859-1",
      "Content-Transfer-Encoding: quoted-printable",
      "",
      "Sch=F6ne Gr=FC=DFe",
    ]);
    expect(mail).toEqual({ subject: "Grüße", text: "Schöne Grüße\n" });
  });

  it("prefers the plain text of a mail that has both", async () => {
    const mail = await read([
      "Content-Type: multipart/alternative; boundary=part",
      "",
      "--part",
      "Content-Type: text/plain",
      "",
      "plain",
      "--part",
      "Content-Type: text/html",
      "",
      "<b>marked up</b>",
      "--part--",
    ]);
    expect(mail).toEqual({ subject: "", text: "plain\n" });
  });

  it("takes the text out of HTML, without scripts, styles, comments and words cut apart by them", async () => {
    const mail = await read([
      "Content-Type: text/html",
      "",
      "<html><STYLE>p { color: red }</STYLE><body onload='x()'><p>Low ra<!-- hide -->tes</p><script>if (a < b) go();</script>",
      "Black &amp; white,<br>1&nbsp;&lt;&nbsp;2 &amp;lt; <unfinished",
    ]);
    expect(mail.text).toBe("Low rates\n \nBlack & white,\n1 < 2 &lt;");
  });

  it.each(["<", "<!--", "<a ", "<script>", "<style><"])("is done in no time with 128 KiB of %j", { timeout: 2000 }, async (part) => {
    const mail = await read(["Content-Type: text/html", "", `Hello ${part.repeat(131_072 / part.length)}`]);
    expect(mail.text).toBe("Hello");
  });
});
