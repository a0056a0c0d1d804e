/**
 * What the page carries for the browser: looks, and the script that keeps it fresh.
 *
 * The script is text, because what a bundler makes of a function need not run elsewhere. It only replaces the page's `main` by that
 * of a newer page: what is shown is made in one place. What is being filled in or stepped through by keyboard is not taken away.
 */

/** How often a page that is looked at fetches itself. Each time wakes a controller for each application. */
const REFRESH_MS = 10_000;

/** Tight, because it is in every bundle. */
export const STYLE = `
:root{color-scheme:light dark;background:Canvas;--good:light-dark(#2e7d32,#66bb6a);--changing:light-dark(#955800,#ffb74d);--bad:light-dark(#c62828,#ff8a80);--line:color-mix(in srgb,currentColor 18%,transparent)}
body{font:14px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:76rem;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin:2rem 0 .4rem}
small,footer,.http{font-weight:normal;opacity:.75}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .6rem .3rem 0;border-bottom:1px solid var(--line)}
thead th{font-weight:normal;opacity:.75}.n{text-align:right;font-variant-numeric:tabular-nums}
.dot{display:inline-block;width:.7em;height:.7em;border-radius:50%;margin-right:.5em;background:var(--good)}
.dot.changing{background:var(--changing)}.dot.bad{background:var(--bad)}
.notices{list-style:none;padding:0}.notices li{border-left:.3rem solid var(--changing);padding:.2rem .8rem;margin:.5rem 0}
.notices li.bad{border-color:var(--bad)}td.bad,span.bad{color:var(--bad)}td.changing{color:var(--changing)}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(10rem,1fr));gap:1rem;margin:1rem 0}figure{margin:0}
figcaption{font-size:.85em}svg{width:100%;height:3rem;border-bottom:1px solid var(--line)}
path{stroke:currentColor;stroke-width:.8}path:not(:last-child){opacity:.4}.errors{stroke:var(--bad)}
section{overflow-x:auto}
pre{white-space:pre-wrap;overflow-wrap:anywhere;margin:.2rem 0}details{margin:.6rem 0 .6rem 1rem}summary{cursor:pointer}
`;

export const SCRIPT = `
async function refresh() {
  const says = document.getElementById("refreshed");
  if (document.querySelector("main :is(:focus-visible, select:focus, input:focus)")) {
    says.textContent = "Not refreshed while something on it has the focus.";
    return;
  }
  try {
    const response = await fetch(location.href, { cache: "no-store" });
    const text = await response.text();
    if (!response.ok && !(response.headers.get("content-type") ?? "").startsWith("text/html")) throw new Error(text.slice(0, 200));
    const page = new DOMParser().parseFromString(text, "text/html");
    for (const part of page.querySelectorAll("details")) part.open = document.getElementById(part.id)?.open ?? false;
    document.querySelector("main").replaceWith(page.querySelector("main"));
    document.title = page.title;
    says.textContent = "Refreshed " + new Date().toLocaleTimeString() + ".";
  } catch (error) {
    document.title = "? · edge-serve";
    says.textContent = "Not refreshed since: " + error.message;
  }
}
setInterval(() => document.visibilityState === "visible" && refresh(), ${REFRESH_MS});
`;
