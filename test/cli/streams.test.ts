import { expect, it } from "vitest";
import { CliProject } from "../support/cli-project.ts";

const APP = `import * as serve from "edge-serve";
async function* steps() {
  for (let n = 0; n < 5; n++) {
    yield "chunk " + n + "\\n";
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
export const app = serve.deployment(steps).bind();
`;

it("run sends a stream chunk by chunk to a client that accepts gzip", async () => {
  using project = new CliProject({ "src/app.ts": APP });
  await using running = project.start(["run", "src/app.ts:app", "--port", "0"]);
  const [, url = ""] = /at (http\S+)/.exec(await running.says("/  default"))!;
  const response = await fetch(url, { headers: { "accept-encoding": "gzip, deflate, br" } });
  const chunks: string[] = [];
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) chunks.push(chunk);
  expect(chunks).toEqual(["chunk 0\n", "chunk 1\n", "chunk 2\n", "chunk 3\n", "chunk 4\n"]);
});
