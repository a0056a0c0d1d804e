import fc from "fast-check";
import { Window } from "happy-dom";
import { describe, expect, it } from "vitest";
import { html } from "../../../src/operator/dashboard/html.ts";

function parsed(text: string) {
  const { document } = new Window();
  document.body.innerHTML = text;
  return document.body;
}

describe("html", () => {
  it("shows any text as that text, in an element and in an attribute", () => {
    // Carriage returns and null characters do not survive any HTML parser.
    const text = fc.string({ unit: fc.oneof(fc.constantFrom("<", ">", "&", '"', "'", "</p>", "<script>", "&lt;"), fc.string()) });
    fc.assert(
      fc.property(
        text.map((one) => one.replaceAll(/[\0\r]/g, "")),
        (one) => {
          const body = parsed(html`<p title="${one}">${one}</p>`.text);
          expect(body.children.length).toBe(1);
          expect(body.querySelector("p")?.textContent).toBe(one);
          expect(body.querySelector("p")?.getAttribute("title")).toBe(one);
        },
      ),
    );
  });

  it("puts pieces into pieces as they are, and lists one after the other", () => {
    const items = ["a", "<b>"].map((one) => html`<li>${one}</li>`);
    expect(
      html`<ul>
        ${items}
      </ul>`.text.replaceAll(/\s/g, ""),
    ).toBe("<ul><li>a</li><li>&#60;b&#62;</li></ul>");
  });

  it("puts nothing where there is nothing, and 0 where there is 0", () => {
    expect(html`${undefined}${false}${0}${""}`.text).toBe("0");
  });
});
