/**
 * The operator's API as a client sees it.
 *
 * Owns: requests, and what is said when an answer is not the one that was asked for.
 * Does not own: which system that is (`connect.ts`), what is shown of an answer (the commands).
 *
 * Invariants:
 *   L1. The token goes to the address that the operator named and nowhere else: redirects are not followed.
 */
import type { ConfigDocument } from "../../config/to-document.ts";
import type { Diagnostic } from "../../config/diagnostics.ts";
import { isRecord } from "../../protocol/own.ts";
import type { TaskPage, TaskStatus } from "../../protocol/tasks.ts";
import type { StatusDocument } from "../../protocol/status.ts";
import { Failure } from "../failure.ts";
import { TOKEN_VARIABLE } from "./token.ts";

/** What came of putting a document. */
export interface PutOutcome {
  readonly isAccepted: boolean;
  readonly diagnostics: readonly Diagnostic[];
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** `undefined` if it is not JSON. */
  readonly body: unknown;
}

/** A page, and the headers that say what a browser may do with it. */
export interface Page {
  /** 303 for one that a browser is to ask for instead: `location` has its query. */
  readonly status: number;
  readonly html: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Those of them that matter to a browser. */
const PAGE_HEADERS = ["content-type", "content-security-policy", "cache-control", "referrer-policy", "x-content-type-options", "location"];
/** Statuses of pages that say what is wrong: with a filter, an id, or what a form wanted. */
const PROBLEM_PAGES = new Set([400, 404, 409]);

type Body = Readonly<Record<string, unknown>>;

const API = "/-/api/";
const DASHBOARD = "/-/dashboard";
const TIMEOUT_MS = 30_000;

/** One system, and the right to operate it. */
export class OperatorClient {
  readonly origin: string;
  readonly #token: string;
  readonly #signal: AbortSignal;

  constructor(url: URL, token: string, signal: AbortSignal) {
    this.origin = url.origin;
    this.#token = token;
    this.#signal = signal;
  }

  /** How everything is, by application. */
  async status(): Promise<StatusDocument> {
    return this.#expect("GET", "applications", (body): body is Body & StatusDocument => isRecord(body["applications"]));
  }

  /** The configuration that is in force. */
  async config(): Promise<ConfigDocument> {
    return this.#expect("GET", "config", (body): body is Body & ConfigDocument => Array.isArray(body["applications"]));
  }

  /** Puts a document in place of all that was. One with errors changes nothing. */
  async put(document: unknown): Promise<PutOutcome> {
    const read = (status: number, { diagnostics }: Body): PutOutcome | undefined =>
      (status === 200 || status === 400) && Array.isArray(diagnostics) ? { isAccepted: status === 200, diagnostics } : undefined;
    return this.#ask("PUT", "applications", read, document);
  }

  /** Deletes an application; `false` when there is none of that name. */
  async remove(app: string): Promise<boolean> {
    return this.#ask("DELETE", `applications/${encodeURIComponent(app)}`, wasThere);
  }

  /** Sets the number of replicas of a deployment that is not autoscaled. */
  async scale(app: string, deployment: string, replicas: number): Promise<void> {
    const path = `applications/${encodeURIComponent(app)}/deployments/${encodeURIComponent(deployment)}/scale`;
    await this.#ask("POST", path, (status) => status === 200 || undefined, { target_num_replicas: replicas });
  }

  /** A page of tasks, newest first. */
  async tasks(query: Readonly<Record<string, string>>): Promise<TaskPage> {
    const path = `tasks?${new URLSearchParams(query).toString()}`;
    return this.#expect("GET", path, (body): body is Body & TaskPage => Array.isArray(body["tasks"]));
  }

  /** One task; after it has been cancelled, or begins again, where that is asked for. */
  async task(id: string, action?: "cancel" | "retry"): Promise<TaskStatus & { readonly cancelled?: boolean }> {
    const path = `tasks/${encodeURIComponent(id)}${action === undefined ? "" : `/${action}`}`;
    return this.#expect(action === undefined ? "GET" : "POST", path, (body): body is Body & TaskStatus => typeof body["id"] === "string");
  }

  /** Ends a canary; `false` if the prefix has none. */
  async endCanary(prefix: string, kind: "promote" | "rollback"): Promise<boolean> {
    return this.#ask("POST", `routes/${kind}`, wasThere, { prefix });
  }

  /**
   * A page of the dashboard, as a browser would get it.
   *
   * @param query Which page: what its links and forms name, with the question mark. `""` is the first one.
   * @param method `POST` for what its forms with that method do.
   */
  async dashboard(query = "", method: "GET" | "POST" = "GET"): Promise<Page> {
    const { status, headers, text, body } = await this.#send(method, DASHBOARD + query);
    const isHtml = headers.get("content-type")?.startsWith("text/html") === true;
    const isPage = isHtml ? status === 200 || (query !== "" && PROBLEM_PAGES.has(status)) : query !== "" && status === 303;
    if (!isPage) throw refusalOf({ origin: this.origin, request: `${method} ${DASHBOARD}`, status, body });
    const kept = PAGE_HEADERS.flatMap((name) => {
      const value = headers.get(name);
      return value === null ? [] : [[name, value] as const];
    });
    return { status, html: text, headers: Object.fromEntries(kept) };
  }

  #expect<T>(method: string, path: string, isAnswer: (body: Body) => body is Body & T): Promise<T> {
    return this.#ask(method, path, (status, body) => (status === 200 && isAnswer(body) ? body : undefined));
  }

  /** Asks the API. `read` says what its answer means; `undefined` for one that does not answer this. */
  async #ask<T>(method: string, path: string, read: (status: number, body: Body) => T | undefined, content?: unknown): Promise<T> {
    const { status, body } = await this.#send(method, API + path, content);
    // What is not JSON is not the API's own.
    const answer = isRecord(body) ? read(status, body) : undefined;
    if (answer !== undefined) return answer;
    throw refusalOf({ origin: this.origin, request: `${method} ${API}${path}`, status, body });
  }

  async #send(method: string, path: string, content?: unknown): Promise<Answer> {
    const late = AbortSignal.timeout(TIMEOUT_MS);
    try {
      const response = await fetch(new URL(path, this.origin), {
        method,
        redirect: "manual",
        headers: { authorization: `Bearer ${this.#token}`, ...(content === undefined ? {} : { "content-type": "application/json" }) },
        ...(content === undefined ? {} : { body: JSON.stringify(content) }),
        signal: AbortSignal.any([this.#signal, late]),
      });
      const text = await response.text();
      const location = response.headers.get("location");
      if (response.status >= 300 && response.status < 400 && !isOwnQuery(location)) throw redirected(this.origin, location);
      return { status: response.status, headers: response.headers, text, body: bodyOf(text, response.status) };
    } catch (error) {
      if (error instanceof Failure) throw error;
      if (this.#signal.aborted) throw new Failure("Interrupted.");
      throw unreachable(this.origin, late.aborted ? `it has not answered within ${TIMEOUT_MS / 1000} s` : reasonOf(error));
    }
  }
}

/** Whether what a request was about was there. */
function wasThere(status: number): boolean | undefined {
  return status === 200 || (status === 404 ? false : undefined);
}

/** Whether a redirect leads to another query of the same address: nobody follows it here. */
function isOwnQuery(location: string | null): boolean {
  return location?.startsWith("?") === true;
}

function bodyOf(text: string, status: number): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // The refusal of a token is plain text; everything else that is no JSON comes from something else than the API.
    return status === 401 || status === 403 ? { message: text } : undefined;
  }
}

function redirected(origin: string, location: string | null): Failure {
  const target = URL.parse(location ?? "", origin)?.origin ?? "another address";
  return new Failure(`${origin} redirects to ${target}, and the token is not sent there unasked. Name the address itself with --url.`);
}

// fetch says only that it failed; why is in the cause, and for a name with several addresses in each of its errors.
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  const first: unknown = cause instanceof AggregateError ? cause.errors[0] : cause;
  return first instanceof Error && first.message !== "" ? first.message : String(first);
}

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
interface Refused {
  readonly origin: string;
  /** Such as `GET /-/api/applications`. */
  readonly request: string;
  readonly status: number;
  /** What the API said, or `undefined` if it was not the API that answered. */
  readonly body: unknown;
}

/** Nobody answered. */
function unreachable(origin: string, reason: string): OperatorFailure {
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
