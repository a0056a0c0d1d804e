/** The plot of p99 waiting against load, as SVG text. */
import type { Line } from "./sections.ts";

const WIDTH = 720;
const HEIGHT = 380;
const LEFT = 60;
const RIGHT = 20;
const TOP = 40;
const BOTTOM = 50;
const COLOURS = ["#b0642d", "#8a5fb0", "#1565c0", "#7a7a7a"];
/** The vertical axis is logarithmic, from 1 ms; what is less is drawn there. */
const DECADES = [1, 10, 100, 1000, 10_000, 100_000];

/** Draws the lines over each other. */
export function plotOf(lines: readonly Line[], title: string): string {
  const loads = lines[0]!.points.map(({ load }) => load);
  const highest = Math.max(...lines.flatMap(({ points }) => points.map(({ p99Ms }) => p99Ms)));
  const top = DECADES.find((decade) => decade >= highest) ?? DECADES.at(-1)!;
  const first = loads[0]!;
  const x = (load: number) => LEFT + ((load - first) / (loads.at(-1)! - first)) * (WIDTH - LEFT - RIGHT);
  const y = (ms: number) => HEIGHT - BOTTOM - (Math.log10(Math.max(1, ms)) / Math.log10(top)) * (HEIGHT - TOP - BOTTOM);
  const parts = [
    ...DECADES.filter((decade) => decade <= top).map((decade) => horizontal(y(decade), `${decade}`)),
    ...loads.map((load) => label(x(load), HEIGHT - BOTTOM + 18, `${Math.round(load * 100)} %`)),
    ...lines.map(({ points }, index) =>
      polyline(
        points.map(({ load, p99Ms }) => `${fixed(x(load))},${fixed(y(p99Ms))}`),
        COLOURS[index]!,
      ),
    ),
    ...lines.map(({ name }, index) => legend(index, name)),
    label(WIDTH / 2, HEIGHT - 10, "busy"),
    `<text x="${LEFT}" y="20" font-weight="bold">${title}</text>`,
  ];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" fill="#333">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    ...parts,
    "</svg>",
    "",
  ].join("\n");
}

function horizontal(y: number, text: string): string {
  const line = `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${fixed(y)}" y2="${fixed(y)}" stroke="#ddd"/>`;
  return `${line}<text x="${LEFT - 8}" y="${fixed(y + 4)}" text-anchor="end">${text}</text>`;
}

function label(x: number, y: number, text: string): string {
  return `<text x="${fixed(x)}" y="${fixed(y)}" text-anchor="middle">${text}</text>`;
}

function polyline(points: readonly string[], colour: string): string {
  return `<polyline points="${points.join(" ")}" fill="none" stroke="${colour}" stroke-width="2.5"/>`;
}

function legend(index: number, name: string): string {
  const y = TOP + 8 + index * 18;
  return `<rect x="${LEFT + 14}" y="${y - 9}" width="14" height="4" fill="${COLOURS[index]}"/><text x="${LEFT + 34}" y="${y - 3}">${name}</text>`;
}

function fixed(value: number): string {
  return value.toFixed(1);
}
