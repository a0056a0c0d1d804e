/**
 * A door for faults that come from outside: ends any object, and shows what the objects have seen.
 */
import { exports as workerExports } from "cloudflare:workers";
import { happened, watch } from "./witness.ts";

interface Ended {
  getByName(name: string): { chaosAbort(): Promise<void> };
}

interface Served {
  fetch(request: Request, env: unknown): Promise<Response>;
}

/** The Worker with a door: `/chaos-door/abort?class=&name=`, `/chaos-door/watch`, `/chaos-door/seen`. */
export function withDoor(served: Served): Served {
  return {
    async fetch(request, env) {
      const { pathname, searchParams } = new URL(request.url);
      if (!pathname.startsWith("/chaos-door/")) return served.fetch(request, env);
      if (pathname === "/chaos-door/watch") watch();
      if (pathname === "/chaos-door/abort") await abort(searchParams.get("class") ?? "", searchParams.get("name") ?? "");
      return Response.json(happened());
    },
  };
}

async function abort(className: string, name: string): Promise<void> {
  try {
    await (workerExports as unknown as Record<string, Ended>)[className]!.getByName(name).chaosAbort();
  } catch {
    // That it is gone is what was asked for.
  }
}
