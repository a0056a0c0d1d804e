/**
 * Which application a path belongs to, as far as this isolate knows.
 *
 * Begins with what was compiled. A route that turns out to be old is corrected by what the application's replicas say,
 * and a path without one by asking what runs.
 */
import type { ApplicationManifest, SessionsConfig } from "../protocol/manifest.ts";
import type { RequestMeta } from "../protocol/messages.ts";
import type { DividedPrefix } from "../traffic/known-traffic.ts";

/** A request whose body has been kept, or is still unread: good for another attempt elsewhere. */
export interface PreparedRequest {
  request(): Request;
}

/** What the ingress needs of an application's ingress deployment. */
export interface IngressTarget {
  /** Deadline of a request in milliseconds, if the deployment has one. */
  readonly requestTimeoutMs: number | null;
  /** Where HTTP requests reach the application, as its replicas say; `null` when they do not. */
  readonly routePrefix: string | null;
  /** Grows when others have been given prefixes below the application's own. */
  readonly routing: number;
  /** Whether it has been deleted, as far as is known. */
  readonly isGone: boolean;
  /** Whether `fetch` takes an address beside the request. */
  readonly takesUrl?: true;
  /** There is nobody but the ingress to count its answers for a canary: its objects have no controller. */
  readonly isUncounted?: true;
  /** Keeps what would be lost if the request were refused. */
  prepare(request: Request): Promise<PreparedRequest>;
  /** @param url What the application is to see as the address, instead of the request's own. Only for what has no body. */
  fetch(request: Request | PreparedRequest, meta: RequestMeta, url?: string): Promise<Response>;
}

/** An application that HTTP requests reach. */
export interface RoutedApplication {
  readonly name: string;
  readonly chain: readonly string[];
  /** What the application was matched by. */
  readonly routePrefix: string;
  readonly target: IngressTarget;
  /** Deadline of HTTP requests in milliseconds, where the ingress deployment has none; `null` is none. */
  readonly httpTimeoutMs: number | null;
  /** What their key is, where options say so. */
  readonly sessions?: SessionsConfig | undefined;
  readonly divided?: undefined;
}

/** A prefix whose requests are divided among applications. */
export interface DividedRoute {
  readonly divided: DividedPrefix;
  /** Those that it names and that are there, the shadow's included. */
  readonly applications: ReadonlyMap<string, RoutedApplication>;
}

/** What has a prefix. */
export type RouteTarget = RoutedApplication | DividedRoute;

type Known = Pick<ApplicationManifest, "name" | "routePrefix" | "ingress" | "httpTimeoutMs" | "sessions">;

export class ApplicationRoutes {
  readonly #targetOf: (app: string) => IngressTarget;
  #known: readonly Known[];
  #divided: readonly DividedPrefix[];
  #table: RouteTable<RouteTarget>;

  constructor(applications: readonly Known[], targetOf: (app: string) => IngressTarget, divided: readonly DividedPrefix[] = []) {
    this.#targetOf = targetOf;
    this.#known = applications;
    this.#divided = divided;
    this.#table = this.#build();
  }

  /** The application, or the applications, with the longest prefix of the path, and that prefix. */
  match(path: string): { readonly prefix: string; readonly target: RouteTarget } | undefined {
    return this.#table.match(path);
  }

  /** Prefixes and the names of their applications. */
  get listing(): Record<string, string> {
    return Object.fromEntries(this.#known.flatMap(({ name, routePrefix }) => (routePrefix === null ? [] : [[routePrefix, name]])));
  }

  /** Takes what runs; `null` is an application that does not. Both are of one document. */
  take(applications: Readonly<Record<string, Known | null>>, divided: readonly DividedPrefix[] = this.#divided): void {
    this.#divided = divided;
    this.#set(Object.values(applications).filter((known) => known !== null));
  }

  /** A replica has said that its application is not where the request looked for it. */
  correct(name: string): void {
    const { routePrefix } = this.#targetOf(name);
    this.#set(this.#known.map((known) => (known.name === name ? { ...known, routePrefix } : known)));
  }

  #set(known: readonly Known[]): void {
    this.#known = known;
    this.#table = this.#build();
  }

  #build(): RouteTable<RouteTarget> {
    const plain = this.#known.flatMap((known) =>
      known.routePrefix === null ? [] : [{ prefix: known.routePrefix, target: this.#routed(known, known.routePrefix) }],
    );
    return new RouteTable<RouteTarget>([
      ...plain,
      ...this.#divided.map((divided) => ({ prefix: divided.prefix, target: this.#shared(divided) })),
    ]);
  }

  #shared(divided: DividedPrefix): DividedRoute {
    const { prefix, applications, shadow } = divided;
    const names = new Set([...applications, ...(shadow === undefined ? [] : [shadow.application])]);
    const known = this.#known.filter(({ name }) => names.has(name));
    return { divided, applications: new Map(known.map((one) => [one.name, this.#routed(one, prefix)])) };
  }

  #routed({ name, ingress, httpTimeoutMs, sessions }: Known, routePrefix: string): RoutedApplication {
    const chain = [`${name}/${ingress}`];
    return { name, chain, routePrefix, target: this.#targetOf(name), httpTimeoutMs: httpTimeoutMs ?? null, sessions };
  }
}

/** An application's place in the URL space. */
export interface Route<T> {
  /** Starts with `/`; ends with it only if it is nothing else. */
  readonly prefix: string;
  readonly target: T;
}

/** Looks up paths. Sorted once, so that the first match is the longest. */
export class RouteTable<T> {
  readonly #routes: readonly Route<T>[];

  constructor(routes: readonly Route<T>[]) {
    this.#routes = routes.toSorted((a, b) => b.prefix.length - a.prefix.length);
  }

  /** The route of a path such as `/a/b`; `undefined` if no application has it. */
  match(path: string): Route<T> | undefined {
    return this.#routes.find(({ prefix }) => prefix === "/" || (path.startsWith(prefix) && isBoundary(path.charCodeAt(prefix.length))));
  }
}

const SLASH = 0x2f;

// Past the end of the path `charCodeAt` gives NaN.
function isBoundary(code: number): boolean {
  return code === SLASH || Number.isNaN(code);
}

/** The path that the application sees: without its prefix, and never empty. */
export function stripPrefix(path: string, prefix: string): string {
  if (prefix === "/") return path;
  return path.length === prefix.length ? "/" : path.slice(prefix.length);
}
