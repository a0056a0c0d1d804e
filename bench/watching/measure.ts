/** Runs the system under a steady load, and counts what it says about itself. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { serialize } from "node:v8";
import type { ReplicaReport } from "../../src/protocol/control.ts";
import { isUserKey } from "../../src/protocol/metrics.ts";
import { ServerChild } from "../../src/testing/server-child.ts";
import { COUNTED, REPLICAS, watchedSystem } from "./system.ts";

const TOKEN = "secret";
/** Alike, but for metrics of its own. */
const APPLICATIONS = 2;
/** Sent at once, of 5 s each: 5 for each replica, as with 1,000 requests/s of half a second. It has always something to do. */
const CONNECTIONS = 1000;

/** How long to send before, and while, it is counted. */
export interface Plan {
  readonly warmMs: number;
  readonly measuredMs: number;
}

/** What was counted of one of the two applications. */
export interface ApplicationFigures {
  /** Of one replica. */
  readonly reportsPerMinute: number;
  /** Of the message, as structured clone writes it: the median and the largest. */
  readonly reportBytes: number;
  readonly largestReportBytes: number;
  /** Of that what metrics of the application's own take. */
  readonly ownBytes: number;
  /** Of the application in one scrape. */
  readonly scrapeBytes: number;
}

/** What was counted. */
export interface Figures {
  readonly plain: ApplicationFigures;
  readonly measured: ApplicationFigures;
  /** What the controllers and the replicas have written, by table or kind of key. */
  readonly rows: Readonly<Record<string, { readonly perReport: number; /** The median. */ readonly bytes: number }>>;
  /** What the controller of an application keeps of the last hour, and an application's half of the dashboard's page. */
  readonly history: { readonly rowsPerMinute: number; readonly rowBytes: number };
  readonly pageBytes: number;
  /** Lines that a request through two deployments writes, and the size of one. */
  readonly linesPerRequest: number;
  readonly lineBytes: number;
  /** What was sent, to both applications. */
  readonly requestsPerS: number;
  /** How long it was counted. */
  readonly seconds: number;
}

type Counted = readonly ["report", app: string, report: ReplicaReport] | readonly ["row", table: string, rows: number, bytes: number];

/** Measures. */
export async function measure({ warmMs, measuredMs }: Plan): Promise<Figures> {
  using project = watchedSystem();
  const counted: Counted[] = [];
  const lines: number[] = [];
  let isMeasuring = false;
  const child = new ServerChild({
    onScratch: () => {},
    onLog: ({ message }) => {
      if (!isMeasuring) return;
      if (message.startsWith(COUNTED)) counted.push(JSON.parse(message.slice(COUNTED.length)) as Counted);
      else lines.push(Buffer.byteLength(message));
    },
  });
  const storage = join(project.root, "storage");
  const start = {
    type: "start",
    target: "serve.yaml",
    cwd: project.root,
    port: 0,
    vars: {},
    secrets: { EDGE_SERVE_TOKEN: TOKEN },
  } as const;
  try {
    const { url } = await child.start({ ...start, storage, directory: "bench" });
    let requests = 0;
    const ending = new AbortController();
    const send = async (app: string) => {
      while (!ending.signal.aborted) {
        const response = await fetch(new URL(`/${app}`, url));
        if (!response.ok) throw new Error(`${app} answered ${response.status}: ${await response.text()}`);
        await response.arrayBuffer();
        if (isMeasuring) requests++;
      }
    };
    const load = Promise.all(Array.from({ length: CONNECTIONS }, (_, n) => send(n % 2 === 0 ? "plain" : "measured")));
    const wait = (ms: number) => Promise.race([load, new Promise((resolve) => setTimeout(resolve, ms))]);
    await wait(warmMs);
    isMeasuring = true;
    await wait(measuredMs);
    const answered = async (path: string) => (await fetch(new URL(path, url), { headers: { authorization: `Bearer ${TOKEN}` } })).text();
    const text = await answered("/-/api/metrics");
    const page = await answered("/-/dashboard");
    await child.flush();
    isMeasuring = false;
    ending.abort();
    await load;
    return figuresOf({ counted, lines, text, page, requests, minutes: measuredMs / 60_000 });
  } finally {
    await child.stop();
    rmSync(storage, { recursive: true, force: true });
  }
}

interface Heard {
  readonly counted: readonly Counted[];
  readonly lines: readonly number[];
  readonly text: string;
  readonly page: string;
  readonly requests: number;
  readonly minutes: number;
}

function figuresOf({ counted, lines, text, page, requests, minutes }: Heard): Figures {
  const reports = counted.flatMap((one) => (one[0] === "report" ? [one] : []));
  const rows = counted.flatMap((one) => (one[0] === "row" ? [one] : []));
  const of = (app: string): ApplicationFigures => {
    const own = reports.flatMap(([, name, report]) => (name === app ? [report] : []));
    const sizes = own.map((report) => serialize(report).length).toSorted((a, b) => a - b);
    const withoutOwn = own.map((report) => serialize(report).length - serialize(bare(report)).length);
    return {
      reportsPerMinute: own.length / minutes / REPLICAS,
      reportBytes: median(sizes),
      largestReportBytes: sizes.at(-1) ?? 0,
      ownBytes: median(withoutOwn),
      scrapeBytes: text
        .split("\n")
        .reduce((sum, line) => sum + (line.includes(`application="${app}"`) ? Buffer.byteLength(line) + 1 : 0), 0),
    };
  };
  const looks = rows.flatMap(([, table, , size]) => (table === "history" ? [size] : []));
  return {
    history: { rowsPerMinute: looks.length / minutes / APPLICATIONS, rowBytes: median(looks) },
    pageBytes: Buffer.byteLength(page) / APPLICATIONS,
    plain: of("plain"),
    measured: of("measured"),
    linesPerRequest: lines.length / requests,
    lineBytes: median(lines),
    rows: Object.fromEntries(
      Object.entries(Object.groupBy(rows, ([, table]) => table)).map(([table, list = []]) => {
        const written = list.reduce((sum, [, , count]) => sum + count, 0);
        return [table, { perReport: written / reports.length, bytes: median(list.map(([, , , bytes]) => bytes)) }];
      }),
    ),
    seconds: minutes * 60,
    requestsPerS: requests / minutes / 60,
  };
}

/** A report without metrics of the application's own. */
function bare(report: ReplicaReport): ReplicaReport {
  const { metrics } = report;
  if (metrics === undefined) return report;
  const { about: _, ...rest } = metrics;
  return { ...report, metrics: { ...rest, series: Object.fromEntries(Object.entries(metrics.series).filter(([key]) => !isUserKey(key))) } };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
