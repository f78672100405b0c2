import { describe, expect, test } from "vitest";
import { renderMarkdown } from "../../../gateway/http/markdown.ts";

const html = (text: string) => renderMarkdown(text).html;

describe("markdown", () => {
  test("headings get anchors as the documents' links name them, each another", () => {
    const { title, html: out } = renderMarkdown("# The `x`, and more\n\n## A-b\n\n## A-b");
    expect(title).toBe("The x, and more");
    expect(out).toBe(
      '<h1 id="the-x-and-more">The <code>x</code>, and more</h1>\n' +
        '<h2 id="a-b">A-b</h2>\n<h2 id="a-b-1">A-b</h2>',
    );
  });

  test("nothing of a text becomes markup of its own", () => {
    expect(html('<script>alert("x")</script> & <b>')).toBe(
      "<p>&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; &lt;b&gt;</p>",
    );
    expect(html("`<i>`")).toBe("<p><code>&lt;i&gt;</code></p>");
    expect(html("```\n<i>\n```")).toBe("<pre><code>&lt;i&gt;</code></pre>");
    expect(html('[x](javascript:alert)[y](a"onclick=b)')).toBe("<p>xy</p>");
    expect(html("a <!-- not\nshown --> b")).toBe("<p>a  b</p>");
  });

  test("in code nothing means anything", () => {
    expect(html("`**a** [b](c) *d*` and `x | y`")).toBe(
      "<p><code>**a** [b](c) *d*</code> and <code>x | y</code></p>",
    );
  });

  test("emphasis and links, over the ends of lines as well", () => {
    expect(html("**a\nb** and *c*, [d **e**](f.md#g)")).toBe(
      '<p><strong>a\nb</strong> and <em>c</em>, <a href="f.md#g">d <strong>e</strong></a></p>',
    );
  });

  test("tables, with bars in code", () => {
    expect(html("| a | b |\n|---|---:|\n| `x|y` | c\\|d |")).toBe(
      '<div class="table"><table><thead><tr><th>a</th><th>b</th></tr></thead>' +
        "<tbody><tr><td><code>x|y</code></td><td>c|d</td></tr></tbody></table></div>",
    );
  });

  test("lists go on over lines, hold lists and code, and end where the text does", () => {
    const out = html("- a\n  b\n  - c\n- d\n\n  ```\n  e\n  ```\n\n1. one\n2. two\n\nafter");
    expect(out.replaceAll("\n", "")).toBe(
      "<ul><li><p>ab</p><ul><li><p>c</p></li></ul></li><li><p>d</p><pre><code>e</code></pre></li></ul>" +
        "<ol><li><p>one</p></li><li><p>two</p></li></ol><p>after</p>",
    );
  });
});
