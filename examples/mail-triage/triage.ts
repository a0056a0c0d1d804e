import * as serve from "edge-serve";
import { type IRequest, Router } from "itty-router";
import { readDocument } from "./document.ts";
import type { Facts, MailFacts } from "./facts.ts";
import type { Language, LanguageGuess } from "./language.ts";
import type { Mail } from "./mail.ts";
import type { Spam, SpamVerdict } from "./spam.ts";

/** The answer to a mail. */
export interface TriageResult extends LanguageGuess, SpamVerdict {
  readonly subject: string;
  readonly facts: MailFacts | null;
}

/** The ingress: takes a mail, asks the others, and says where it belongs. */
export class Triage {
  constructor(
    private language: serve.DeploymentHandle<Language>,
    private spam: serve.DeploymentHandle<Spam>,
    private facts: serve.DeploymentHandle<Facts>,
  ) {}

  async call(mail: Mail): Promise<TriageResult> {
    const language = this.language.remote(mail);
    const spam = this.spam.remote(mail);
    // Not awaited: the call goes out when the language is known, while the spam filter is still at work.
    const facts = this.facts.remote(mail, language);
    const [guess, verdict, found] = await Promise.all([language, spam, facts]);
    serve.logger.info("Mail sorted.", { folder: verdict.folder, probability: verdict.probability, language: guess.language });
    return { subject: mail.subject, ...verdict, ...guess, facts: found };
  }
}

/** Its HTTP side. Not an AutoRouter: that answers with the message of every error, meant for clients or not. */
export const router = Router<IRequest, [Triage]>();
router.post("/", async (request, triage) => triage.call(await readDocument(request as unknown as Request)));
router.all("/", (request) => {
  const message = `${request.method} is not possible here. POST a mail as message/rfc822, text/plain or application/json.`;
  return new Response(message, { status: 405, headers: { allow: "POST", "content-type": "text/plain; charset=utf-8" } });
});
