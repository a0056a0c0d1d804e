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

const NEW_LINE = /^(br|\/p|\/div|\/tr|\/h\d)\b/i;
const NO_TEXT = /^(script|style)\b/i;

// Enough for words and sentences to come out; not a renderer. Goes through the text once and never back, as patterns
// over whole elements would, so that there is no mail that keeps it busy.
function textOf(html: string): string {
  let text = "";
  let at = 0;
  for (let open = html.indexOf("<"); open !== -1; open = html.indexOf("<", at)) {
    text += html.slice(at, open);
    const tag = html.slice(open + 1, open + 8);
    at = endOf(html, open, tag);
    text += NEW_LINE.test(tag) ? "\n" : tag.startsWith("!--") ? "" : " ";
  }
  return withCharacters(text + html.slice(at))
    .replaceAll(/[^\S\n]+/g, " ")
    .trim();
}

// Where what starts at `open` has ended; what never ends takes the rest with it.
function endOf(html: string, open: number, tag: string): number {
  if (tag.startsWith("!--")) return after(html, "-->", open);
  const close = after(html, ">", open);
  const element = NO_TEXT.exec(tag)?.[1];
  if (element === undefined) return close;
  const end = new RegExp(`</${element}`, "gi");
  end.lastIndex = close;
  return end.test(html) ? after(html, ">", end.lastIndex) : html.length;
}

function after(html: string, mark: string, from: number): number {
  const found = html.indexOf(mark, from);
  return found === -1 ? html.length : found + mark.length;
}

function withCharacters(text: string): string {
  const named = text
    .replaceAll(/&(nbsp|#160);/gi, " ")
    .replaceAll(/&lt;/gi, "<")
    .replaceAll(/&gt;/gi, ">")
    .replaceAll(/&quot;/gi, '"');
  return named.replaceAll(/&amp;/gi, "&");
}
