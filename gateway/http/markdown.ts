// The Markdown of our own documents as HTML: headings, paragraphs, lists, tables, code, links,
// emphasis, comments. Text is escaped wherever it stands, so a document cannot bring markup along.

export interface RenderedPage {
  /** The text of the first heading; empty where there is none. */
  readonly title: string;
  readonly html: string;
}

/** Changes where a link leads. */
export type LinkMap = (target: string) => string;

const HEADING = /^(#{1,6}) +(.*)$/;
const FENCE = /^ *```([a-z0-9]*)$/;
const ITEM = /^( *)([-*]|\d+\.) +(.*)$/;
/** Stands around the number of a piece of code; no document has it. */
const MARK = "\ue000";
const CODE_PLACE = new RegExp(`${MARK}(\\d+)${MARK}`, "g");
const TABLE_RULE = /^\|[-:| ]+\|$/;

export function renderMarkdown(text: string, mapLink: LinkMap = (target) => target): RenderedPage {
  const page = new Renderer(mapLink);
  page.blocks(text.replace(/<!--[\s\S]*?-->/g, "").split("\n"));
  return { title: page.title, html: page.out.join("\n") };
}

class Renderer {
  title = "";
  readonly out: string[] = [];
  readonly #mapLink: LinkMap;
  readonly #anchors = new Map<string, number>();

  constructor(mapLink: LinkMap) {
    this.#mapLink = mapLink;
  }

  blocks(lines: readonly string[]): void {
    for (let at = 0; at < lines.length; ) {
      const line = lines[at] as string;
      const heading = HEADING.exec(line);
      if (line.trim() === "") at++;
      else if (heading !== null) {
        this.#heading((heading[1] as string).length, heading[2] as string);
        at++;
      } else if (FENCE.test(line)) at = this.#code(lines, at);
      else if (line.startsWith("|") && TABLE_RULE.test(lines[at + 1] ?? "")) {
        at = this.#table(lines, at);
      } else if (ITEM.test(line)) at = this.#list(lines, at);
      else at = this.#paragraph(lines, at);
    }
  }

  /** With the anchors that the documents' own links name. */
  #heading(level: number, text: string): void {
    if (this.title === "") this.title = text.replace(/[`*]/g, "");
    let anchor = text
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replace(/ /g, "-");
    const before = this.#anchors.get(anchor) ?? 0;
    this.#anchors.set(anchor, before + 1);
    if (before > 0) anchor += `-${before}`;
    this.out.push(`<h${level} id="${escapeHtml(anchor)}">${this.#inline(text)}</h${level}>`);
  }

  #code(lines: readonly string[], start: number): number {
    const end = lines.findIndex((line, at) => at > start && FENCE.test(line));
    const last = end < 0 ? lines.length : end;
    const text = lines.slice(start + 1, last).join("\n");
    this.out.push(`<pre><code>${escapeHtml(text)}</code></pre>`);
    return last + 1;
  }

  #table(lines: readonly string[], start: number): number {
    let end = start;
    while (lines[end]?.startsWith("|")) end++;
    const row = (line: string, tag: string) => {
      const cells = splitCells(line).map((cell) => `<${tag}>${this.#inline(cell)}</${tag}>`);
      return `<tr>${cells.join("")}</tr>`;
    };
    const head = row(lines[start] as string, "th");
    const body = lines.slice(start + 2, end).map((line) => row(line, "td"));
    this.out.push(
      `<div class="table"><table><thead>${head}</thead><tbody>${body.join("\n")}</tbody></table></div>`,
    );
    return end;
  }

  /** Items go on over indented lines and may hold lists and code of their own. */
  #list(lines: readonly string[], start: number): number {
    const [, indent = "", mark = ""] = ITEM.exec(lines[start] as string) ?? [];
    const tag = mark.endsWith(".") ? "ol" : "ul";
    this.out.push(`<${tag}>`);
    let at = start;
    for (;;) {
      const item = ITEM.exec(lines[at] ?? "");
      if (item === null || (item[1] as string).length !== indent.length) break;
      if ((item[2] as string).endsWith(".") !== mark.endsWith(".")) break;
      const width = (lines[at] as string).length - (item[3] as string).length;
      const inner = [item[3] as string];
      for (at++; at < lines.length; at++) {
        const line = lines[at] as string;
        const isBlank = line.trim() === "";
        // A blank line belongs to the item only where the item goes on after it.
        const next = isBlank ? (lines[at + 1] ?? "") : line;
        if (next.length - next.trimStart().length < Math.min(width, indent.length + 2)) break;
        inner.push(line.slice(Math.min(width, line.length - line.trimStart().length)));
      }
      this.out.push("<li>");
      this.blocks(inner);
      this.out.push("</li>");
      while (lines[at]?.trim() === "" && ITEM.test(lines[at + 1] ?? "")) at++;
    }
    this.out.push(`</${tag}>`);
    return at;
  }

  #paragraph(lines: readonly string[], start: number): number {
    let end = start + 1;
    while (end < lines.length && !endsParagraph(lines[end] as string)) end++;
    this.out.push(`<p>${this.#inline(lines.slice(start, end).join("\n"))}</p>`);
    return end;
  }

  /** Code is put aside first: nothing in it means anything. */
  #inline(text: string): string {
    const codes: string[] = [];
    const aside = text.replaceAll(MARK, "").replace(/`([^`]+)`/g, (_, code: string) => {
      codes.push(`<code>${escapeHtml(code)}</code>`);
      return `${MARK}${codes.length - 1}${MARK}`;
    });
    return escapeHtml(aside)
      .replace(/\[([^[\]]*)\]\(([^()\s]+)\)/g, (_, words: string, target: string) => {
        const mapped = this.#mapLink(target);
        return isPlainTarget(mapped) ? `<a href="${mapped}">${words}</a>` : words;
      })
      .replace(/\*\*([^*]+)\*\*/g, "<strong>$1</strong>")
      .replace(/\*([^*\s][^*]*)\*/g, "<em>$1</em>")
      .replace(CODE_PLACE, (_, index: string) => codes[Number(index)] as string);
  }
}

function endsParagraph(line: string): boolean {
  const starts = line.startsWith("|") || HEADING.test(line) || FENCE.test(line) || ITEM.test(line);
  return line.trim() === "" || starts;
}

/** A bar in code does not part cells, nor does one after a backslash. */
function splitCells(line: string): string[] {
  const cells: string[] = [];
  let cell = "";
  let inCode = false;
  for (let at = 1; at < line.length; at++) {
    const character = line[at] as string;
    if (character === "`") inCode = !inCode;
    if (character === "\\" && line[at + 1] === "|") cell += line[++at];
    else if (character === "|" && !inCode) {
      cells.push(cell.trim());
      cell = "";
    } else cell += character;
  }
  return cells;
}

/** Nothing that runs, and nothing that could leave its attribute (the text is escaped before). */
function isPlainTarget(target: string): boolean {
  return /^(?:https?:\/\/|\/|#|[A-Za-z0-9_.-]+(?:[/#?]|$))/.test(target);
}

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** For text and for quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character] as string);
}
