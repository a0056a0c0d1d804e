import { fileURLToPath } from "node:url";
import * as serve from "edge-serve";
import { runLocal, serve as serveApp, type Server } from "edge-serve/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { app } from "./app.ts";
import { Classifier } from "./classifier.ts";
import codeTexts from "./data/code.json" with { type: "json" };
import proseTexts from "./data/prose.json" with { type: "json" };
import type { Detection } from "./detector.ts";
import { MAX_BYTES, MAX_SNIPPETS, MIN_CHARACTERS } from "./request.ts";
import { bytePairs, letterNgrams } from "./tokens.ts";

const PYTHON = "import sys\n\ndef main(argv):\n    for line in open(argv[1]):\n        print(line.strip(), file=sys.stderr)\n";
const FINNISH = "Kaikki ihmiset syntyvät vapaina ja tasavertaisina arvoltaan ja oikeuksiltaan.";

describe("the application, in this process", () => {
  it("names the language of code and of prose", async () => {
    const handle = runLocal(app);
    const [code, prose] = await Promise.all([
      handle.remote({ text: PYTHON, kind: "code", id: "main.py" }),
      handle.remote({ text: FINNISH, kind: "prose" }),
    ]);
    expect(code).toMatchObject({ id: "main.py", kind: "code", language: "py" });
    for (const { confidence } of code.otherwise) expect(confidence).toBeLessThanOrEqual(code.confidence);
    expect(prose).toMatchObject({ kind: "prose", language: "fi", name: "Finnish" });
    expect(prose.confidence).toBeGreaterThan(0.9);
  });
});

describe("Classifier", () => {
  // A batch begins when it is full, whatever the clock says.
  const userConfig = { maxBatchSize: 10, batchWaitTimeoutMs: 60_000 };
  const classifier = () => runLocal(serve.deployment(Classifier, { userConfig }).bind());

  it("computes what comes at the same time in one batch for each model", async () => {
    const handle = classifier();
    const [code, prose] = (["code", "prose"] as const).map((multiplexedModelId) => handle.options({ multiplexedModelId }));
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => [code!.remote(bytePairs(PYTHON)), prose!.remote(letterNgrams(FINNISH))]).flat(),
    );
    expect(answers.map(([best]) => best!.language)).toEqual(Array.from({ length: 10 }, () => ["py", "fi"]).flat());
    const { models, batches, items } = await handle.statistics.remote();
    expect({ models: models.toSorted(), batches, items }).toEqual({ models: ["code", "prose"], batches: 2, items: 20 });
  });

  it("says which models there are when asked for another one", async () => {
    const handle = runLocal(serve.deployment(Classifier).bind()).options({ multiplexedModelId: "poetry" });
    await expect(handle.remote(bytePairs(PYTHON))).rejects.toThrow('There is no model "poetry". There are: code, prose.');
  });
});

describe("the application, served in workerd", () => {
  let server: Server;
  beforeAll(async () => {
    server = await serveApp(fileURLToPath(new URL("serve.yaml", import.meta.url)));
  });
  afterAll(() => server.stop());

  const post = (body: string | Uint8Array<ArrayBuffer>, type: string, query = "") =>
    server.fetch(`/detect${query}`, { method: "POST", headers: { "content-type": type }, body });
  const postJson = (value: unknown) => post(JSON.stringify(value), "application/json");

  it("answers a text with its language", async () => {
    const response = await post(PYTHON, "text/plain");
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ kind: "code", language: "py" });
    expect(await (await post(FINNISH, "text/plain; charset=utf-8", "?kind=prose")).json()).toMatchObject({ language: "fi" });
  });

  it.each([
    { kind: "code", texts: codeTexts, right: 142 },
    { kind: "prose", texts: proseTexts, right: 190 },
  ])("names the language of $right texts of the kind $kind", async ({ kind, texts, right }) => {
    const detections: Detection[] = [];
    for (let at = 0; at < texts.length; at += MAX_SNIPPETS) {
      const snippets = texts.slice(at, at + MAX_SNIPPETS).map(({ text, file }) => ({ text, kind, id: file }));
      const response = await postJson({ snippets });
      expect(response.status).toBe(200);
      detections.push(...((await response.json()) as { detections: Detection[] }).detections);
    }
    expect(detections.map(({ id }) => id)).toEqual(texts.map(({ file }) => file));
    expect(texts.filter(({ language }, index) => detections[index]!.language === language)).toHaveLength(right);
  });

  it("loads a model at most once in each replica", async () => {
    await post(PYTHON, "text/plain");
    await post(FINNISH, "text/plain", "?kind=prose");
    const loads = server.logs().filter(({ message }) => message === "Model loaded.");
    const places = loads.map(({ fields, replica }) => `${String(fields["model"])} in ${replica}`);
    expect(new Set(loads.map(({ fields }) => fields["model"]))).toEqual(new Set(["code", "prose"]));
    expect(places).toEqual([...new Set(places)]);
  });

  const tooMany = { snippets: Array.from({ length: MAX_SNIPPETS + 1 }, () => ({ text: PYTHON })) };

  it.each([
    { what: "another content type", body: "<a/>", type: "application/xml", status: 415, says: 'The Content-Type is "application/xml"' },
    { what: "a short text", body: "let x", type: "text/plain", status: 400, says: `text: It must have at least ${MIN_CHARACTERS} char` },
    { what: "JSON that ends early", body: "{", type: "application/json", status: 400, says: "The body is not JSON" },
    { what: "JSON without snippets", body: "{}", type: "application/json", status: 400, says: "snippets: It is missing." },
    { what: "no snippets", body: '{"snippets":[]}', type: "application/json", status: 400, says: "snippets: It is empty." },
    {
      what: "too many snippets",
      body: JSON.stringify(tooMany),
      type: "application/json",
      status: 400,
      says: "It has 65 entries, and 64 are the most.",
    },
    {
      what: "a text that is a number",
      body: '{"snippets":[{"text":7}]}',
      type: "application/json",
      status: 400,
      says: "snippets.0.text: It must be a string.",
    },
    { what: "what is not UTF-8", body: Uint8Array.of(0x66, 0xff), type: "text/plain", status: 400, says: "not UTF-8" },
    { what: "a long body", body: "a".repeat(MAX_BYTES + 1), type: "text/plain", status: 413, says: `longer than ${MAX_BYTES} bytes` },
  ])("refuses $what with status $status and says why", async ({ body, type, status, says }) => {
    const response = await post(body, type);
    expect(response.status).toBe(status);
    expect(await response.text()).toContain(says);
  });

  it("refuses a kind that it has no model for, and other methods", async () => {
    const poetry = await post(PYTHON, "text/plain", "?kind=poetry");
    expect(poetry.status).toBe(400);
    expect(await poetry.text()).toContain('kind: It must be "code" or "prose", got "poetry".');
    const get = await server.fetch("/detect");
    expect(get.status).toBe(405);
    expect(get.headers.get("allow")).toBe("POST");
  });
});
