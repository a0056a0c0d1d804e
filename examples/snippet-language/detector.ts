import * as serve from "edge-serve";
import { type IRequest, Router } from "itty-router";
import type { Candidate, Classifier } from "./classifier.ts";
import type { Features, Kind } from "./features.ts";
import { readSnippets, type Snippet } from "./request.ts";

/** The answer to a snippet. */
export interface Detection extends Candidate {
  /** The client's name for the snippet, if it gave one. */
  readonly id?: string;
  readonly kind: Kind;
  /** The language of prose in English. */
  readonly name?: string;
  /** What it might be instead, the likeliest first. */
  readonly otherwise: readonly Candidate[];
}

// The models look no further, guesslang at 10,000 pairs of bytes with \n for \r\n. What is cut off need not travel.
const MAX_CHARACTERS = { code: 20_002, prose: 4000 } as const;
const NAMES = new Intl.DisplayNames("en", { type: "language" });

/** The ingress: takes snippets, has them turned into features and those classified, and puts the answers together. */
export class Detector {
  constructor(
    private features: serve.DeploymentHandle<Features>,
    private classifier: serve.DeploymentHandle<Classifier>,
  ) {}

  async call({ text, kind, id }: Snippet): Promise<Detection> {
    // Not awaited: the call to the classifier goes out when the features are there.
    const features = this.features.remote(text.slice(0, MAX_CHARACTERS[kind]), kind);
    const [best, ...otherwise] = await this.classifier.options({ multiplexedModelId: kind }).remote(features);
    const { language, confidence } = best!;
    const name = kind === "prose" ? NAMES.of(language) : undefined;
    return { ...(id !== undefined && { id }), kind, language, ...(name !== undefined && { name }), confidence, otherwise };
  }

  async all(snippets: readonly Snippet[]): Promise<Detection[]> {
    const startedAtMs = Date.now();
    const detections = await Promise.all(snippets.map((snippet) => this.call(snippet)));
    serve.logger.info("Languages detected.", { snippets: snippets.length, tookMs: Date.now() - startedAtMs });
    return detections;
  }
}

/** Its HTTP side. Not an AutoRouter: that answers with the message of every error, meant for clients or not. */
export const router = Router<IRequest, [Detector]>();
router.post("/", async (request, detector) => {
  const snippets = await readSnippets(request as unknown as Request);
  const detections = await detector.all(snippets);
  return request.headers.get("content-type")?.startsWith("text/plain") ? detections[0] : { detections };
});
router.all("/", (request) => {
  const message = `${request.method} is not possible here. POST a text as text/plain, or many in application/json.`;
  return new Response(message, { status: 405, headers: { allow: "POST", "content-type": "text/plain; charset=utf-8" } });
});
