/**
 * Which system an operator's command acts on, and with what token.
 */
import type { Io, OptionSpec } from "../command.ts";
import { EXIT, Failure } from "../failure.ts";
import { OperatorClient } from "./client.ts";
import { TOKEN_VARIABLE, tokenOf } from "./token.ts";

const URL_VARIABLE = "EDGE_SERVE_URL";
const DEFAULT_URL = "http://localhost:8787";

/** What every operator's command takes. */
export const URL_OPTION: OptionSpec = {
  flags: "--url <url>",
  summary: `the system's address (default: ${URL_VARIABLE}, else ${DEFAULT_URL})`,
};

type Options = Readonly<Record<string, string | boolean | undefined>>;

/** The way to the system that `--url` or the environment names. */
export function connect(options: Options, io: Io): OperatorClient {
  const url = urlOf(options, io) ?? new URL(DEFAULT_URL);
  const token = tokenOf(io);
  if (token !== undefined) return new OperatorClient(url, token, io.signal);
  throw new Failure(
    `${TOKEN_VARIABLE} is not set, and the operator's API of ${url.origin} answers nobody without the token. ` +
      `Set it to the secret of that name that the Worker has. A Worker gets one with "wrangler secret put ${TOKEN_VARIABLE}", ` +
      `and under edge-serve run from the file .dev.vars.`,
  );
}

/** The address that the user has named, if any. */
export function urlOf(options: Options, { env }: Io): URL | undefined {
  const [source, text] = typeof options["url"] === "string" ? ["--url", options["url"]] : [URL_VARIABLE, env[URL_VARIABLE]];
  if (text === undefined || text === "") return undefined;
  const url = URL.parse(text);
  if (url !== null && /^https?:$/.test(url.protocol) && url.pathname === "/" && url.search === "" && url.username === "") return url;
  throw new Failure(
    `${source} must be an address such as https://my-app.my-account.workers.dev, without a path, got ${JSON.stringify(text)}.`,
    EXIT.usage,
  );
}
