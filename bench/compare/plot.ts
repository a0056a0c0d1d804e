/** Bars on a logarithmic axis, as SVG text. */

/** Bars that belong together. */
export interface Panel {
  readonly title: string;
  readonly bars: readonly Bar[];
}

export interface Bar {
  readonly name: string;
  readonly colour: string;
  /** `undefined` where there is nothing to show. */
  readonly value: number | undefined;
  /** From the smallest to the largest of the rounds. */
  readonly low?: number;
  readonly high?: number;
  /** What is written at its end. */
  readonly text: string;
}

const WIDTH = 760;
const LEFT = 170;
const RIGHT = 130;
const TOP = 48;
const BAR = 15;
const GAP = 30;

/** Draws the panels below each other, all to the same scale. White behind it, so that it can be read on dark pages too. */
export function barsOf(title: string, panels: readonly Panel[]): string {
  const scale = scaleOf(panels.flatMap(({ bars }) => bars.flatMap(({ value, low, high }) => [value, low, high])));
  let y = TOP;
  const parts: string[] = [];
  for (const { title, bars } of panels) {
    parts.push(`<text x="8" y="${y + 11}" font-weight="bold">${escaped(title)}</text>`);
    y += 18;
    for (const bar of bars) {
      parts.push(barAt(bar, y, scale));
      y += BAR + 2;
    }
    y += GAP - 18;
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y + 8}" font-family="sans-serif" font-size="12" fill="#333">`,
    `<rect width="${WIDTH}" height="${y + 8}" fill="#fff"/>`,
    `<text x="8" y="20" font-size="14" font-weight="bold">${escaped(title)}</text>`,
    ...scale.decades.map((decade) => gridLine(scale.x(decade), decade, y)),
    ...parts,
    "</svg>",
    "",
  ].join("\n");
}

interface Scale {
  readonly decades: readonly number[];
  x(value: number): number;
}

function scaleOf(values: readonly (number | undefined)[]): Scale {
  const known = values.filter((value): value is number => value !== undefined && value > 0);
  const first = Math.floor(Math.log10(Math.min(...known, 1000)));
  // A decade that a value just reaches ends the axis; an axis has one decade at least.
  const last = Math.max(first + 1, Math.ceil(Math.log10(Math.max(...known, 1))));
  return {
    decades: Array.from({ length: last - first + 1 }, (_, index) => 10 ** (first + index)),
    x: (value) => LEFT + ((Math.log10(Math.max(value, 10 ** first)) - first) / (last - first)) * (WIDTH - LEFT - RIGHT),
  };
}

function barAt({ name, colour, value, low, high, text }: Bar, y: number, { x }: Scale): string {
  const middle = y + BAR / 2;
  const label = `<text x="${LEFT - 8}" y="${y + 12}" text-anchor="end">${escaped(name)}</text>`;
  if (value === undefined) return `${label}<text x="${LEFT + 6}" y="${y + 12}" fill="#777">${escaped(text)}</text>`;
  const end = Math.max(LEFT + 1, x(value));
  const bar = `<rect x="${LEFT}" y="${y}" width="${fixed(end - LEFT)}" height="${BAR}" fill="${colour}"/>`;
  const spread =
    low === undefined || high === undefined
      ? ""
      : `<line x1="${fixed(x(low))}" x2="${fixed(x(high))}" y1="${middle}" y2="${middle}" stroke="#111" stroke-width="1.5"/>`;
  const written = `<text x="${fixed(Math.max(end, x(high ?? value)) + 6)}" y="${y + 12}">${escaped(text)}</text>`;
  return label + bar + spread + written;
}

function gridLine(x: number, decade: number, bottom: number): string {
  const text = `<text x="${fixed(x)}" y="${TOP - 10}" text-anchor="middle" fill="#777">${decade.toLocaleString("en")}</text>`;
  return `<line x1="${fixed(x)}" x2="${fixed(x)}" y1="${TOP - 4}" y2="${bottom}" stroke="#ddd"/>${text}`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function fixed(value: number): string {
  return value.toFixed(1);
}
