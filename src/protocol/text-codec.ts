/**
 * Values as text, for calls that come over HTTP: what structured clone carries, on one line.
 */
import { parse, stringify } from "devalue";
import { decodeError, encodeError, type WireError } from "./error-codec.ts";

// Named differently by the types of workerd and of Node.
type ResponseBody = ConstructorParameters<typeof Response>[0];

const toText: Parameters<typeof stringify>[1] = {
  Error: (value: unknown) => value instanceof Error && encodeError(value),
  Headers: (value: unknown) => value instanceof Headers && [...value],
  BufferedRequest: (value: unknown) => value instanceof BufferedRequest && { ...value },
  BufferedResponse: (value: unknown) => value instanceof BufferedResponse && { ...value },
  BufferedStream: (value: unknown) => value instanceof BufferedStream && { ...value },
};

const fromText: Parameters<typeof parse>[1] = {
  Error: (wire: WireError) => decodeError(wire),
  Headers: (entries: [string, string][]) => new Headers(entries),
  BufferedRequest: ({ url, ...init }: BufferedRequest) => new Request(url, init as RequestInit),
  BufferedResponse: ({ body, ...init }: BufferedResponse) => new Response(body as ResponseBody, init as ResponseInit),
  BufferedStream: ({ body }: BufferedStream) => new Response(body as ResponseBody).body,
};

/** Writes `value` without line breaks. Bodies and streams must have been taken care of by {@link buffered}. */
export function encodeText(value: unknown): string {
  return stringify(value, toText);
}

/** Reads what {@link encodeText} wrote. */
export function decodeText(text: string): unknown {
  return parse(text, fromText) as unknown;
}

class BufferedRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: [string, string][];
  readonly body: ArrayBuffer | null;

  constructor(request: Request, body: ArrayBuffer | null) {
    this.url = request.url;
    this.method = request.method;
    this.headers = [...request.headers];
    this.body = body;
  }
}

class BufferedResponse {
  readonly status: number;
  readonly headers: [string, string][];
  readonly body: ArrayBuffer | null;

  constructor(response: Response, body: ArrayBuffer | null) {
    this.status = response.status;
    this.headers = [...response.headers];
    this.body = body;
  }
}

class BufferedStream {
  readonly body: ArrayBuffer;

  constructor(body: ArrayBuffer) {
    this.body = body;
  }
}

/** Reads the body of a `Request`, a `Response` or a stream into memory, so that the value can be written as text. */
export async function buffered(value: unknown): Promise<unknown> {
  if (value instanceof Request) return new BufferedRequest(value, value.body === null ? null : await value.arrayBuffer());
  if (value instanceof Response) return new BufferedResponse(value, value.body === null ? null : await value.arrayBuffer());
  if (value instanceof ReadableStream) return new BufferedStream(await new Response(value as ResponseBody).arrayBuffer());
  return value;
}
