/**
 * HTML as values: text that is put into it is escaped, and only what was made here goes in as it is.
 */

/** Some HTML that is safe to send. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What may be put into HTML. `undefined` and `false` are nothing. */
export type Piece = Html | readonly Html[] | string | number | undefined | false;

/** A piece of HTML, from a template whose holes are text or other pieces. Attributes must be in double quotes. */
export function html(parts: TemplateStringsArray, ...pieces: readonly Piece[]): Html {
  return new Html(parts.reduce((text, part, index) => text + textOf(pieces[index - 1]) + part));
}

/** A time, given in seconds since the epoch, to the second and in UTC. */
export function timeOf(seconds: number): Html {
  return html`<time>${new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ")}</time>`;
}

function textOf(piece: Piece): string {
  if (piece instanceof Html) return piece.text;
  if (piece === undefined || piece === false) return "";
  return typeof piece === "object" ? piece.map(({ text }) => text).join("") : escaped(String(piece));
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
