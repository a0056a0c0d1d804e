/**
 * Why the operator's API did not do what was asked, in sentences that say what to do.
 */
import { Failure } from "../failure.ts";
import { TOKEN_VARIABLE } from "./token.ts";

/** The API cannot be asked, or cannot do it. */
export class OperatorFailure extends Failure {
  /** Whether it may be otherwise in a moment: what waits goes on. */
  readonly isPassing: boolean;

  constructor(message: string, isPassing: boolean) {
    super(message);
    this.isPassing = isPassing;
  }
}

/** An answer that is none. */
export interface Refused {
  readonly origin: string;
  /** Such as `GET /-/api/applications`. */
  readonly request: string;
  readonly status: number;
  /** What the API said, or `undefined` if it was not the API that answered. */
  readonly body: unknown;
}

/** Nobody answered. */
export function unreachable(origin: string, reason: string): OperatorFailure {
  const cure = "Start it with edge-serve run, or name another system with --url.";
  return new OperatorFailure(`${origin} cannot be reached: ${reason.replace(/\.$/, "")}. ${cure}`, true);
}

/** Somebody answered, and not with what was asked for. */
export function refusalOf({ origin, request, status, body }: Refused): OperatorFailure {
  const said = (body as { message?: unknown } | null | undefined)?.message;
  const message = typeof said === "string" ? said.trim() : undefined;
  if (status === 403 && message?.includes("no token")) {
    const cure = `Give it one with "wrangler secret put ${TOKEN_VARIABLE}"; under edge-serve run, in the file .dev.vars.`;
    return new OperatorFailure(`The Worker at ${origin} has no token, so it refuses every operator. ${cure}`, false);
  }
  if (status === 403 && message === "That is not the token.") {
    const cure = `Set it to the Worker's, or give the Worker another with "wrangler secret put ${TOKEN_VARIABLE}".`;
    return new OperatorFailure(`${TOKEN_VARIABLE} does not match the Worker's secret at ${origin}. ${cure}`, false);
  }
  if (status === 401 || status === 403) {
    const answer = message === undefined || message === "" ? "" : `: ${firstLine(message)}`;
    const cure = "Whatever stands before the Worker has to let the header Authorization pass.";
    return new OperatorFailure(`${origin} refused ${request} with ${status}${answer}. ${cure}`, false);
  }
  if (message !== undefined && status !== 200) return new OperatorFailure(message, status >= 500);
  const cure = "Check --url, and that what runs there was deployed with this version of edge-serve.";
  return new OperatorFailure(`${origin} answered ${request} with ${status}, and not as an operator's API does. ${cure}`, status !== 405);
}

function firstLine(text: string): string {
  return (text.split("\n")[0] ?? "").slice(0, 200).replace(/\.$/, "");
}
