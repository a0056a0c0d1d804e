/** Requests outside the load: waiting for the first answer, and checks that answers are right. */
import { type ApplicationName, answerOf, bodyOf } from "./scenarios.ts";

const POLL_MS = 10;

/** Resolves with the time that it took until the address gave the right answer. */
export async function firstAnswer(url: string, application: ApplicationName | "noop-many", timeoutMs = 180_000): Promise<number> {
  const startedAtMs = performance.now();
  let last = "nothing";
  while (performance.now() - startedAtMs < timeoutMs) {
    try {
      last = await answer(url, "a");
      if (last === answerOf(application, "a")) return performance.now() - startedAtMs;
    } catch (error) {
      last = String(error instanceof Error ? (error.cause ?? error) : error);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`${url} gave no right answer in ${timeoutMs / 1000} s. The last one was ${JSON.stringify(last.slice(0, 200))}.`);
}

/** Sends requests that differ, all at once. @returns How many answers were wrong. */
export async function wrongAnswers(url: string, application: ApplicationName | "noop-many", requests = 40): Promise<number> {
  const texts = Array.from({ length: requests }, (_, index) => `text ${index}`);
  const right = await Promise.all(
    texts.map(async (text) => {
      try {
        return (await answer(url, text)) === answerOf(application, text);
      } catch {
        return false;
      }
    }),
  );
  return right.filter((isRight) => !isRight).length;
}

async function answer(url: string, text: string): Promise<string> {
  const response = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body: bodyOf(text) });
  const body = await response.text();
  return response.ok ? body : `${response.status} ${body}`;
}
