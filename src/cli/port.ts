import { EXIT, Failure } from "./failure.ts";

/** `--port`; `undefined` where it is not given. */
export function portOf(text: unknown): number | undefined {
  if (text === undefined) return undefined;
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new Failure(`--port must be an integer from 0 to 65535, got ${JSON.stringify(text)}.`, EXIT.usage);
}
