/**
 * Where this isolate is, in the words of Durable Object location hints. Plain data, learnt from the first request that says it.
 *
 * Owns: the table from what Cloudflare says of a request's place to the hints. Good to a few hundred kilometres, which is all
 * that choosing among continents needs.
 */

/** The part of a request's `cf` that tells where it came in. */
export interface Place {
  readonly continent?: string | undefined;
  readonly country?: string | undefined;
  readonly longitude?: string | number | undefined;
}

/** West of it is the west of North America, and of Europe. Between Denver and Dallas; between Berlin and Warsaw. */
const MIDDLE_OF_NORTH_AMERICA = -100;
const MIDDLE_OF_EUROPE = 16;
const MIDDLE_EAST = new Set(["AE", "BH", "IL", "IQ", "IR", "JO", "KW", "LB", "OM", "PS", "QA", "SA", "SY", "YE"]);

/** The hint of the region that a place is in; `undefined` when it does not say enough. */
export function hintOf({ continent, country, longitude }: Place): string | undefined {
  const isWestOf = (middle: number) => Number(longitude ?? Number.NaN) < middle;
  if (continent === "NA") return isWestOf(MIDDLE_OF_NORTH_AMERICA) ? "wnam" : "enam";
  if (continent === "EU") return isWestOf(MIDDLE_OF_EUROPE) ? "weur" : "eeur";
  if (continent === "AS") return country !== undefined && MIDDLE_EAST.has(country) ? "me" : "apac";
  return { SA: "sam", OC: "oc", AF: "afr" }[continent ?? ""];
}

/** How many requests are looked at. Where none of these says it, as with a local client, looking at each would only cost. */
const LOOKS = 10;

let here: string | undefined;
let looks = 0;

/** The hint of this isolate's region; `undefined` while nothing has said it. */
export function region(): string | undefined {
  return here;
}

/** An HTTP request has come in here: a client is served by a location near it. */
export function noteClientRegion(request: { readonly cf?: Place | undefined }): void {
  if (here !== undefined || looks === LOOKS) return;
  looks++;
  const place = request.cf;
  here = place === undefined ? undefined : hintOf(place);
}

/** A replica that was made with this hint runs here. */
export function noteReplicaRegion(hint: string | undefined): void {
  if (hint !== undefined && hint !== "-") here ??= hint;
}
