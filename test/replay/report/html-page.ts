// A small, strict reader of HTML: enough to take tables out of a page, and to notice a tag that is not
// closed, an attribute without quotes or a text that was not escaped.

export interface PageTable {
  readonly caption: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export interface Page {
  readonly tables: ReadonlyMap<string, PageTable>;
  /** Term and description, of all lists. */
  readonly facts: ReadonlyMap<string, string>;
  readonly tags: ReadonlySet<string>;
  /** Values of all attributes, by name. */
  readonly attributes: ReadonlyMap<string, readonly string[]>;
  /** Titles in plots. */
  readonly titles: readonly string[];
  readonly text: string;
}

const VOID = new Set(["meta", "br", "!doctype"]);
const RAW = new Set(["style"]);

/** Throws an Error where the page is not well formed. */
export function readPage(source: string): Page {
  const tables = new Map<string, PageTable>();
  const facts = new Map<string, string>();
  const tags = new Set<string>();
  const attributes = new Map<string, string[]>();
  const titles: string[] = [];
  let text = "";
  const stack: { name: string; text: string }[] = [];
  let table = { caption: "", columns: [] as string[], rows: [] as string[][] };
  let row: string[] = [];
  let term = "";

  const close = (name: string) => {
    const top = stack.pop();
    if (top?.name !== name) throw new Error(`</${name}> closes <${top?.name}>`);
    const content = unescaped(top.text).trim();
    switch (name) {
      case "table":
        tables.set(table.caption, table);
        table = { caption: "", columns: [], rows: [] };
        break;
      case "caption":
        table.caption = content;
        break;
      case "tr":
        if (stack.at(-1)?.name === "tbody") table.rows.push(row);
        row = [];
        break;
      case "th":
      case "td":
        if (stack.at(-2)?.name === "thead") table.columns.push(content);
        else row.push(content);
        break;
      case "dt":
        term = content;
        break;
      case "dd":
        facts.set(term, content);
        break;
      case "title":
        titles.push(content);
        break;
    }
    const parent = stack.at(-1);
    if (parent !== undefined) parent.text += top.text;
    else text += top.text;
  };

  let at = 0;
  while (at < source.length) {
    const open = source.indexOf("<", at);
    const end = open < 0 ? source.length : open;
    const between = source.slice(at, end);
    if (/&(?!(?:amp|lt|gt|quot|#39);)|>/.test(between)) throw new Error(`not escaped: ${between}`);
    const parent = stack.at(-1);
    if (parent !== undefined) parent.text += between;
    if (open < 0) break;
    const match = /^<(\/?)([a-zA-Z!][\w-]*)((?:\s+[\w:-]+(?:="[^"<]*")?)*)\s*(\/?)>/.exec(
      source.slice(open, open + 4000),
    );
    if (match === null) throw new Error(`no tag: ${source.slice(open, open + 80)}`);
    const [whole, slash, name = "", list = "", selfClosed] = match;
    at = open + whole.length;
    const tag = name.toLowerCase();
    tags.add(tag);
    for (const [, key = "", value = ""] of list.matchAll(/([\w:-]+)(?:="([^"]*)")?/g)) {
      const values = attributes.get(key) ?? [];
      values.push(unescaped(value));
      attributes.set(key, values);
    }
    if (slash === "/") close(tag);
    else if (tag === "br") {
      const holder = stack.at(-1);
      if (holder !== undefined) holder.text += "\n";
    } else if (!VOID.has(tag) && selfClosed !== "/") {
      stack.push({ name: tag, text: "" });
      if (RAW.has(tag)) at = source.indexOf(`</${tag}>`, at);
    }
  }
  if (stack.length > 0) throw new Error(`<${stack.at(-1)?.name}> is not closed`);
  return { tables, facts, tags, attributes, titles, text: unescaped(text) };
}

function unescaped(text: string): string {
  return text
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll("&amp;", "&");
}
