import { runInNewContext } from "node:vm";
import { build } from "esbuild";
import { expect, it } from "vitest";

it("edge-serve/client works where there is nothing but what browsers have", async () => {
  const { outputFiles } = await build({
    entryPoints: ["src/client.ts"],
    bundle: true,
    write: false,
    format: "iife",
    globalName: "client",
    platform: "browser",
    target: "es2024",
  });
  const sent: string[] = [];
  const fetch = async (url: URL) => {
    sent.push(url.href);
    return new Response('[{"kind":1,"value":2},"value","hello"]\n');
  };
  const browser = {
    fetch,
    sent,
    AbortController,
    Blob,
    Headers,
    Request,
    Response,
    ReadableStream,
    TextDecoderStream,
    URL,
    crypto,
    setTimeout,
  };
  const call = 'client.connect("https://example.test/", { token: "secret", app: "a b" }).greet.remote("Corey").result()';
  expect(await runInNewContext(`${outputFiles[0]!.text}; ${call}`, browser)).toBe("hello");
  expect(sent).toEqual(["https://example.test/-/rpc/a%20b"]);
});
