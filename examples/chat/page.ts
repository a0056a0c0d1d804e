import html from "./page.html";

/** The page, the same one for every room: its script asks for the room that the path names. */
export class Page {
  fetch(request: Request): Response {
    if (request.method !== "GET") return new Response("GET, please.", { status: 405, headers: { allow: "GET" } });
    return new Response(html, { headers: { "content-type": "text/html; charset=utf-8", "cache-control": "no-cache" } });
  }
}
