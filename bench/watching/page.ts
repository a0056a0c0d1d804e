/** What looking costs, as Markdown: for the terminal, and for `docs/cost.md`. */
import type { Figures } from "./measure.ts";
import { DEPLOYMENTS, REPLICAS } from "./system.ts";

const REQUESTS_PER_S = 1000;
const SCRAPE_S = 15;
const LOOK_S = 10;
const HOURS = 720;

/** Cloudflare's list prices, in dollars per million. */
const PRICE = { workerRequest: 0.3, objectRequest: 0.15, row: 1, logLine: 0.6 };

/** The part of the page. @param madeOn When, and on what. */
export function pageOf(figures: Figures, madeOn: string): string {
  const { plain, measured, rows, lineBytes, requestsPerS, history, pageBytes } = figures;
  // A request at the beginning or the end of the run has only some of its lines in it.
  const linesPerRequest = Math.round(figures.linesPerRequest * 10) / 10;
  const reports = hourly(plain.reportsPerMinute * REPLICAS * 60);
  const lines = linesPerRequest * REQUESTS_PER_S * 3600;
  const scrapes = 3600 / SCRAPE_S;
  const looks = 3600 / LOOK_S;
  const [kept, known] = [rows["measured"], rows["replicas"]];
  if (kept === undefined || known === undefined) throw new Error("No replica has told anything: measure for longer.");
  const table = [
    [
      "what replicas tell of their health",
      count(reports),
      count(known.perReport * reports),
      "in the next row",
      dollars(reports * (PRICE.objectRequest + known.perReport * PRICE.row)),
    ],
    [
      "the framework's metrics, in the same reports",
      "0",
      count(kept.perReport * reports),
      `${bytes(plain.reportBytes * reports)} sent: ${plain.reportBytes} a report`,
      dollars(reports * kept.perReport * PRICE.row),
    ],
    [
      "metrics of your own, in the same reports: a counter with three values of its tag, a histogram of ten buckets, a gauge, in nine of ten replicas",
      "0",
      "0",
      `${bytes(measured.ownBytes * reports)} more: ${measured.ownBytes} a report`,
      "0",
    ],
    [
      `a scrape each ${SCRAPE_S} s`,
      `${scrapes} to the Worker, ${scrapes} to the controller`,
      "0",
      `${bytes(plain.scrapeBytes * scrapes)}: ${bytes(plain.scrapeBytes)} a scrape, ${bytes(measured.scrapeBytes)} with those of your own`,
      dollars(scrapes * (PRICE.workerRequest + PRICE.objectRequest)),
    ],
    [
      `access log: ${linesPerRequest} lines a request, one in each of the two deployments that it runs in`,
      "0",
      "0",
      `${bytes(lines * lineBytes)}: ${lineBytes} a line, ${count(lines)} lines`,
      dollars(lines * PRICE.logLine),
    ],
    [
      "the dashboard's last hour, which the system keeps whether anybody looks or not",
      "0",
      count(history.rowsPerMinute * 60),
      `${bytes(history.rowBytes * history.rowsPerMinute * 60)} written: ${history.rowBytes} a row`,
      dollars(history.rowsPerMinute * 60 * PRICE.row),
    ],
    [
      `the dashboard, open all the time: a look each ${LOOK_S} s`,
      `${looks} to the Worker, ${looks} to the controller`,
      "0",
      `${bytes(pageBytes * looks)}: ${bytes(pageBytes)} a page`,
      dollars(looks * (PRICE.workerRequest + PRICE.objectRequest)),
    ],
  ];
  return `| an hour of | requests | rows written | bytes | dollars a month |
| --- | --- | --- | --- | --- |
${table.map((row) => `| ${row.join(" | ")} |`).join("\n")}

- A report takes ${plain.reportBytes} bytes (median; at most ${plain.largestReportBytes}) as structured clone writes it, with the metrics of your own
  ${measured.reportBytes} (at most ${measured.largestReportBytes}). Each replica sent ${plain.reportsPerMinute.toFixed(2)} a minute. Of a report the controller stores two rows:
  what it knows of the replica (${known.bytes} bytes of JSON), and what the replica has measured (${kept.bytes}).
- Measured over ${figures.seconds} s of steady load, ${requestsPerS.toFixed(0)} requests/s by this machine, of ${REPLICAS} replicas in ${DEPLOYMENTS} deployments, twice: with metrics of its own and
  without. Requests take longer than at ${REQUESTS_PER_S.toLocaleString("en")} a second, so that as many run at once. Reports and rows do not depend on the rate; lines of
  the log are counted for one request, and multiplied.
- Prices beyond what the plan includes: those above, and $${PRICE.logLine.toFixed(2)} per million lines. That is from Cloudflare's public price list of
  [Workers Logs](https://developers.cloudflare.com/workers/observability/logs/workers-logs/#pricing), as of November 2026; nothing was deployed.

Measured on ${madeOn}.`;
}

function hourly(value: number): number {
  return Math.round(value / 10) * 10;
}

/** Of so many millionths of a dollar an hour. */
function dollars(millionthsAnHour: number): string {
  const month = (millionthsAnHour * HOURS) / 1e6;
  return month >= 100 ? Math.round(month).toLocaleString("en") : month.toFixed(2);
}

function count(value: number): string {
  return Math.round(value).toLocaleString("en");
}

function bytes(value: number): string {
  if (value >= 1e9) return `${(value / 1e9).toFixed(1)} GB`;
  return value >= 1e6 ? `${(value / 1e6).toFixed(1)} MB` : `${Math.round(value / 1000)} kB`;
}
