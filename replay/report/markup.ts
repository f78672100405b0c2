/** Text that is HTML already. Everything else is escaped where it is put in. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Content = string | number | Markup | readonly Content[];

/** A template of HTML: what is put in is escaped, unless it is Markup. */
export function html(parts: TemplateStringsArray, ...contents: readonly Content[]): Markup {
  let text = parts[0] ?? "";
  contents.forEach((content, i) => {
    text += render(content) + (parts[i + 1] ?? "");
  });
  return new Markup(text);
}

export const NOTHING = new Markup("");

function render(content: Content): string {
  if (content instanceof Markup) return content.text;
  if (typeof content === "number") return escaped(String(content));
  if (typeof content === "string") return escaped(content);
  return content.map(render).join("");
}

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** For text and for quoted attributes. Control characters, which HTML cannot hold, become "�". */
function escaped(text: string): string {
  return (
    text
      .replace(/[&<>"']/g, (character) => ESCAPES[character] as string)
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, "\ufffd")
  );
}

export interface Column {
  readonly name: string;
  /** Numbers stand to the right. */
  readonly isNumber?: boolean;
}

/** The first column names its row. */
export function table(
  caption: string,
  columns: readonly Column[],
  rows: readonly (readonly Content[])[],
): Markup {
  if (rows.length === 0) return html`<p class="none">${caption}: none.</p>`;
  const classOf = (i: number) =>
    columns[i]?.isNumber === true ? new Markup(' class="n"') : NOTHING;
  const head = columns.map(({ name }, i) => html`<th scope="col"${classOf(i)}>${name}</th>`);
  const body = rows.map((row) => {
    const cells = row.map((content, i) =>
      i === 0
        ? html`<th scope="row"${classOf(i)}>${content}</th>`
        : html`<td${classOf(i)}>${content}</td>`,
    );
    return html`<tr>${cells}</tr>\n`;
  });
  return html`<div class="wide" tabindex="0" role="region" aria-label="${caption}"><table>
<caption>${caption}</caption>
<thead><tr>${head}</tr></thead>
<tbody>
${body}</tbody></table></div>
`;
}

/** 1234567 as "1,234,567". */
export function count(value: number): string {
  return value.toLocaleString("en-US");
}
