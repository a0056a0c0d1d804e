/**
 * How an HTTP request and its answer cross between a caller and a replica: what travels in `cf`, in headers, in a status.
 *
 * Both ends know most of what there is to say of a request: its id, if it has one, is in its headers, the deployment knows
 * itself and the prefix that it was compiled with, its own or one that it shares. So a first delivery carries nothing else, and a replica makes the id of a
 * request that has none. What deviates travels as an envelope in `cf`, which no client can set; a `cf` costs a request more
 * than everything else that the framework does to it.
 *
 * Invariants:
 *   W1. What one end leaves out, the other one fills in with the same.
 *   W2. A handler sees the request's id and the `cf` of the client's request, and nothing that is written here.
 */
import { checkUnderstood, encodeEnvelope, isImplied } from "./envelope.ts";
import type { CompiledPlace } from "./http-request.ts";
import type { KeyedConfig } from "./keys.ts";
import type { Delivery, Refusal, RequestMeta, News, ReplicaState } from "./messages.ts";
import { decodeSet, encodeSet, escaped } from "./news.ts";

/** Where the envelope travels in an HTTP request. */
export const ENVELOPE_IN_CF = "edgeServe";
/** Where the configuration of a keyed deployment does. */
export const KEYED_IN_CF = "edgeServeKeyed";

// A user's response with this status never has the header that makes it a refusal.
const REFUSED_STATUS = 503;
const REFUSED_HEADER = "x-edge-serve-refused";

/** Where a newer replica set travels with a response. */
const NEWS_HEADER = "x-edge-serve-news";
/** What travels there when the caller knows the newest. */
const NO_NEWS = "=";
/** What the replica has comes before the set, after this mark, where the caller has asked. Its text has no space, one follows it. */
const STATE_MARK = "*";
/** Headers have their limits. What is longer, because many replicas have been replaced, comes with a refusal or an answer to a call. */
const MAX_NEWS_LENGTH = 8192;

/**
 * What to hand to a stub's `fetch` beside the request; nothing for most requests. Costs a third of what a `Request` made for it
 * does.
 *
 * @param compiled Where the deployment's application was compiled to be reached.
 */
export function fetchInit(
  request: Request,
  meta: RequestMeta,
  delivery: Delivery,
  compiled: CompiledPlace,
): { readonly cf: object } | undefined {
  const { keyed } = delivery;
  if (keyed === undefined && isImplied(meta, delivery, compiled)) return undefined;
  const envelope = { ...cfOf(request), [ENVELOPE_IN_CF]: encodeEnvelope(meta, delivery) };
  return { cf: keyed === undefined ? envelope : { ...envelope, [KEYED_IN_CF]: keyed } };
}

/** What the platform says of a request beside it. Node's type of a request has none. */
export function cfOf(request: Request): Readonly<Record<string, unknown>> | undefined {
  return (request as { readonly cf?: Record<string, unknown> }).cf;
}

/** The envelope that came with a request, if one did. */
export function envelopeOf(request: Request): string | undefined {
  return cfOf(request)?.[ENVELOPE_IN_CF] as string | undefined;
}

/** The configuration of a keyed deployment that came with a request, if one did. */
export function keyedConfigOf(request: Request): KeyedConfig | undefined {
  return cfOf(request)?.[KEYED_IN_CF] as KeyedConfig | undefined;
}

/** A replica's refusal of an HTTP request. */
export function refusalResponse(refusal: Refusal): Response {
  return Response.json(refusal, { status: REFUSED_STATUS, headers: { [REFUSED_HEADER]: "1" } });
}

/** An answer to a request that said which replica set its caller knows. */
export interface Told extends News {
  readonly kind: "told";
  readonly response: Response;
}

/**
 * Reads what a replica answered: a response for the client, with or without a newer replica set, or a refusal.
 *
 * @throws An error for `classifyFailure` when the replica has not understood the request.
 */
export function answerOf(response: Response): Response | Told | Promise<Refusal> {
  if (response.status === REFUSED_STATUS && response.headers.has(REFUSED_HEADER)) return refusalIn(response);
  const news = response.headers.get(NEWS_HEADER);
  if (news === null) return response;
  return { kind: "told", response: withoutNews(response), ...newsIn(news) };
}

function newsIn(text: string): News {
  if (!text.startsWith(STATE_MARK)) return text === NO_NEWS ? {} : { set: decodeSet(text) };
  const end = text.indexOf(" ");
  const state = JSON.parse(text.slice(STATE_MARK.length, end)) as ReplicaState;
  return { ...newsIn(text.slice(end + 1)), state };
}

function newsText({ set, state }: News): string {
  const text = set === undefined ? NO_NEWS : encodeSet(set);
  return state === undefined ? text : `${STATE_MARK}${JSON.stringify(state).replaceAll(/[^!-~]/g, escaped)} ${text}`;
}

async function refusalIn(response: Response): Promise<Refusal> {
  const refusal = (await response.json()) as Refusal;
  checkUnderstood(refusal);
  return refusal;
}

function withoutNews(response: Response): Response {
  const { webSocket = null } = response as { readonly webSocket?: WebSocket | null };
  const copy = new Response(
    response.body,
    webSocket === null ? response : ({ status: response.status, headers: response.headers, webSocket } as ResponseInit),
  );
  copy.headers.delete(NEWS_HEADER);
  return copy;
}

/**
 * An answer on its way to the caller, with what its caller is told beside it.
 *
 * Whatever user code put there is not ours: it may be a response from anywhere.
 *
 * @param news Where the caller has said what it knows. That it has been heard lets it send requests that say nothing, which
 *   older code does not understand.
 */
export function answerResponse(response: Response, news: News | undefined): Response {
  if (response.status === REFUSED_STATUS) response.headers.delete(REFUSED_HEADER);
  const text = news === undefined ? undefined : newsText(news);
  if (text === undefined || text.length > MAX_NEWS_LENGTH) response.headers.delete(NEWS_HEADER);
  else response.headers.set(NEWS_HEADER, text);
  return response;
}
