import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import {
  CallToolRequestSchema,
  ErrorCode,
  ListResourcesRequestSchema,
  ListToolsRequestSchema,
  McpError,
  ReadResourceRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";
import type { Note, Notes } from "./notes.ts";

const NO_ARGUMENTS = { type: "object" as const, properties: {} };
const MAX_TEXT = 10_000;

const TOOLS = [
  {
    name: "add_note",
    description: "Keeps a note for the rest of this session.",
    inputSchema: {
      type: "object" as const,
      properties: { text: { type: "string", minLength: 1, maxLength: MAX_TEXT } },
      required: ["text"],
    },
  },
  { name: "list_notes", description: "All notes of this session, as JSON.", inputSchema: NO_ARGUMENTS },
  { name: "next_note", description: "Waits for the next note of this session, and says so while it waits.", inputSchema: NO_ARGUMENTS },
];

const said = (value: unknown) => ({ content: [{ type: "text" as const, text: JSON.stringify(value) }] });
const uriOf = ({ id }: Note) => `note:///${id}`;

/** The protocol's server of one session: three tools, and each note as a resource. */
export function makeServer(notes: Notes): McpServer {
  const mcp = new McpServer({ name: "notes", version: "1.0.0" }, { capabilities: { tools: {}, resources: { listChanged: true } } });
  const { server } = mcp;

  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: TOOLS }));

  server.setRequestHandler(CallToolRequestSchema, async ({ params }, { signal, sendNotification }) => {
    switch (params.name) {
      case "add_note": {
        const note = notes.add(textOf(params.arguments));
        // To the stream that a client opens with GET, if it has.
        await server.sendResourceListChanged();
        return said(note);
      }
      case "list_notes":
        return said(notes.all());
      case "next_note": {
        const next = notes.next(signal);
        const progressToken = params._meta?.progressToken;
        // In the answer to this call, which is a stream until its result is there.
        if (progressToken !== undefined) {
          await sendNotification({ method: "notifications/progress", params: { progressToken, progress: 0, message: "Waiting." } });
        }
        return said(await next);
      }
      default:
        throw new McpError(ErrorCode.InvalidParams, `There is no tool ${JSON.stringify(params.name)}.`);
    }
  });

  server.setRequestHandler(ListResourcesRequestSchema, () => ({
    resources: notes.all().map((note) => ({ uri: uriOf(note), name: `Note ${note.id}`, mimeType: "text/plain" })),
  }));

  server.setRequestHandler(ReadResourceRequestSchema, ({ params: { uri } }) => {
    const note = notes.all().find((one) => uriOf(one) === uri);
    if (note === undefined) throw new McpError(ErrorCode.InvalidParams, `There is no resource ${JSON.stringify(uri)}.`);
    return { contents: [{ uri, mimeType: "text/plain", text: note.text }] };
  });

  return mcp;
}

function textOf(given: Record<string, unknown> | undefined): string {
  const text = given?.["text"];
  if (typeof text === "string" && text !== "" && text.length <= MAX_TEXT) return text;
  throw new McpError(ErrorCode.InvalidParams, `"text" must be a string of 1 to ${MAX_TEXT} characters.`);
}
