/**
 * Documents put to a running system: the verdict is that of the planner, a refused one changes nothing, an accepted one is shown.
 */
import { documentInForce, planDocument } from "../../src/compile/plan-document.ts";
import type { Choices } from "./choices.ts";
import { CODE, COMPILED, makeDocument } from "./documents.ts";
import { brief, holds } from "./kind.ts";
import { TOKEN } from "./requests.ts";

const OPERATOR = { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" };
/** More replicas are the simulator's, and other tests'. */
const MOST_REPLICAS = 4;
const PATIENCE_MS = 10_000;

/** The base that everything goes back to. */
const BASE = {
  applications: ["first", "second", "crossing"].map((name) => ({
    name,
    route_prefix: name === "first" ? "/" : `/${name}`,
    import_path: `app.ts:${name}`,
  })),
};

export class Documents {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  /** A document that starts few replicas, if any. */
  make(choices: Choices): unknown {
    for (let attempt = 0; attempt < 20; attempt++) {
      const document = makeDocument(choices);
      const { applications = [] } = plan(document);
      const counts = applications.flatMap(({ deployments }) =>
        Object.values(deployments).map(({ numReplicas, autoscaling }) => Math.max(numReplicas, autoscaling?.minReplicas ?? 0)),
      );
      if (Math.max(0, ...counts) <= MOST_REPLICAS) return document;
    }
    return { applications: [] };
  }

  /** Puts it, with and without the token. */
  async check(document: unknown): Promise<void> {
    const before = await this.#config();
    const body = JSON.stringify(document) ?? "";
    const refused = await this.#put(body, { authorization: "Bearer wrong" });
    holds(refused.status === 403, "a document without the token is refused", () => refused.status);
    const { status, text } = await this.#put(body, OPERATOR);
    const { applications, diagnostics } = plan(JSON.parse(body));
    if (applications === undefined) {
      holds(status === 400, "a document with an error is answered 400", () => `${status} ${brief(text)}`);
      holds((JSON.parse(text) as { diagnostics: unknown[] }).diagnostics.length === diagnostics.length, "every diagnostic is told");
      holds((await this.#config()) === before, "a refused document changes nothing");
      return;
    }
    holds(status === 200, "a document without an error is answered 200", () => `${status} ${brief(text)}`);
    const shown = JSON.parse(await this.#config()) as unknown;
    const expected = JSON.parse(JSON.stringify(documentInForce(applications, CODE))) as unknown;
    holds(
      JSON.stringify(shown) === JSON.stringify(expected),
      "an accepted document is shown",
      () => `${JSON.stringify(shown)} for ${JSON.stringify(expected)}`,
    );
  }

  /** Puts the base, and waits until it serves. */
  async reset(): Promise<void> {
    const { status, text } = await this.#put(JSON.stringify(BASE), OPERATOR);
    holds(status === 200, "the base document is accepted", () => `${status} ${brief(text)}`);
    for (const untilMs = performance.now() + PATIENCE_MS; performance.now() < untilMs;) {
      const [health, second] = await Promise.all([this.#get("/-/healthz"), this.#get("/second/")]);
      if (health === 200 && second === 200 && (await this.#get("/")) === 200) return;
    }
    holds(false, "the base document serves within ten seconds");
  }

  async #get(path: string): Promise<number> {
    const response = await fetch(this.#url + path, { signal: AbortSignal.timeout(PATIENCE_MS) });
    await response.text();
    return response.status;
  }

  async #put(body: string, headers: Record<string, string>): Promise<{ status: number; text: string }> {
    const response = await fetch(`${this.#url}/-/api/applications`, {
      method: "PUT",
      headers,
      body,
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    return { status: response.status, text: await response.text() };
  }

  async #config(): Promise<string> {
    const response = await fetch(`${this.#url}/-/api/config`, { headers: OPERATOR, signal: AbortSignal.timeout(PATIENCE_MS) });
    holds(response.status === 200, "the configuration is shown", () => response.status);
    return response.text();
  }
}

const plan = (document: unknown) => planDocument(document, { manifest: COMPILED, code: CODE });
