/**
 * Which application a path belongs to, as far as this isolate knows.
 *
 * Begins with what was compiled. A route that turns out to be old is corrected by what the application's replicas say,
 * and a path without one by asking what runs.
 */
import type { ApplicationManifest } from "../protocol/manifest.ts";
import type { RequestMeta } from "../protocol/messages.ts";

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
  /** Keeps what would be lost if the request were refused. */
  prepare(request: Request): Promise<PreparedRequest>;
  fetch(request: Request | PreparedRequest, meta: RequestMeta): Promise<Response>;
}

/** An application that HTTP requests reach. */
export interface RoutedApplication {
  readonly name: string;
  readonly chain: readonly string[];
  /** What the application is matched by. */
  readonly routePrefix: string;
  readonly target: IngressTarget;
  /** Deadline of HTTP requests in milliseconds, where the ingress deployment has none; `null` is none. */
  readonly httpTimeoutMs: number | null;
}

type Known = Pick<ApplicationManifest, "name" | "routePrefix" | "ingress" | "httpTimeoutMs">;

export class ApplicationRoutes {
  readonly #targetOf: (app: string) => IngressTarget;
  #known: readonly Known[];
  #table: RouteTable<RoutedApplication>;

  constructor(applications: readonly Known[], targetOf: (app: string) => IngressTarget) {
    this.#targetOf = targetOf;
    this.#known = applications;
    this.#table = this.#build();
  }

  /** The application with the longest prefix of the path, and that prefix. */
  match(path: string): { readonly prefix: string; readonly target: RoutedApplication } | undefined {
    return this.#table.match(path);
  }

  /** Prefixes and the names of their applications. */
  get listing(): Record<string, string> {
    return Object.fromEntries(this.#known.flatMap(({ name, routePrefix }) => (routePrefix === null ? [] : [[routePrefix, name]])));
  }

  /** Takes what runs; `null` is an application that does not. */
  take(applications: Readonly<Record<string, Known | null>>): void {
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

  #build(): RouteTable<RoutedApplication> {
    return new RouteTable(
      this.#known.flatMap(({ name, routePrefix, ingress, httpTimeoutMs = null }) => {
        if (routePrefix === null) return [];
        const chain = [`${name}/${ingress}`];
        return [{ prefix: routePrefix, target: { name, chain, routePrefix, target: this.#targetOf(name), httpTimeoutMs } }];
      }),
    );
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
