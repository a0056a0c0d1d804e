/**
 * A mail as the application sees it, and how it is read from what a mail server has.
 */
import PostalMime from "postal-mime";

/** What every deployment works on: decoded, without headers or markup. */
export interface Mail {
  readonly subject: string;
  readonly text: string;
}

/** Reads a raw message (RFC 5322, with its MIME parts, encodings and character sets). */
export async function readMail(raw: Uint8Array): Promise<Mail> {
  const { subject = "", text, html } = await PostalMime.parse(raw);
  const hasText = text !== undefined && text.trim() !== "";
  return { subject, text: hasText ? text : textOf(html ?? "") };
}

// Enough for words and sentences to come out; not a renderer.
function textOf(html: string): string {
  return html
    .replaceAll(/<(script|style)\b[\s\S]*?<\/\1\s*>/gi, " ")
    .replaceAll(/<!--[\s\S]*?-->/g, "")
    .replaceAll(/<(br|\/p|\/div|\/tr|\/h\d)\b[^>]*>/gi, "\n")
    .replaceAll(/<[^>]*>/g, " ")
    .replaceAll(/&(nbsp|#160);/gi, " ")
    .replaceAll(/&lt;/gi, "<")
    .replaceAll(/&gt;/gi, ">")
    .replaceAll(/&quot;/gi, '"')
    .replaceAll(/&amp;/gi, "&")
    .replaceAll(/[^\S\n]+/g, " ")
    .trim();
}
