/**
 * What every page of the dashboard has around its contents: looks, the script, the policy, and the headers.
 */
import { SCRIPT, STYLE } from "./client.ts";
import { html, Html } from "./html.ts";

/** The page, and the policy by which a browser runs its own script and nothing else. */
export interface DashboardPage {
  readonly html: string;
  readonly contentSecurityPolicy: string;
}

/** What is in a page. */
export interface PageParts {
  readonly title: string;
  readonly main: Html;
  readonly footer?: Html | string;
  /** The looks of its forms, if it has any; they go to where the page came from, and nowhere else. */
  readonly formStyle?: string | undefined;
}

/**
 * Makes a page.
 *
 * @param nonce Unguessable, and new for each page.
 */
export function pageOf({ title, main, footer, formStyle }: PageParts, nonce: string): DashboardPage {
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>${title} · edge-serve</title>
        <style nonce="${nonce}">
          ${new Html(STYLE + (formStyle ?? ""))}
        </style>
      </head>
      <body>
        ${main}
        <footer>${footer} <span id="refreshed"></span></footer>
        <script nonce="${nonce}">
          ${new Html(SCRIPT)};
        </script>
      </body>
    </html> `;
  return {
    html: page.text,
    contentSecurityPolicy: `default-src 'none'; style-src 'nonce-${nonce}'; script-src 'nonce-${nonce}'; connect-src 'self'; base-uri 'none'; form-action '${formStyle === undefined ? "none" : "self"}'; frame-ancestors 'none'`,
  };
}

/** A page as it is sent. */
export function pageResponse({ html: text, contentSecurityPolicy }: DashboardPage, status = 200): Response {
  return new Response(text, {
    status,
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": contentSecurityPolicy,
      "cache-control": "no-store",
      // With no-referrer a browser would not say that a form of this page is of this page.
      "referrer-policy": "same-origin",
      "x-content-type-options": "nosniff",
    },
  });
}
