import { escapeHtml } from "./markdown.ts";

export const JSON_TYPE = "application/json; charset=utf-8";
export const TEXT_TYPE = "text/plain; charset=utf-8";
export const HTML_TYPE = "text/html; charset=utf-8";

/** Everything a page needs is in it: nothing is fetched, and nothing runs. */
const STYLE = `body{font:16px/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem;
color:#1c2024;background:#fff}
h1,h2,h3{line-height:1.25;margin:2rem 0 .75rem}h1{margin-top:1rem}
code{font:.9em ui-monospace,monospace;background:#f1f3f5;padding:.1em .25em;border-radius:3px;
overflow-wrap:anywhere}
pre{background:#f1f3f5;padding:.75rem 1rem;border-radius:6px;overflow-x:auto}
pre code{padding:0;background:none;overflow-wrap:normal}
.table{overflow-x:auto}table{border-collapse:collapse}
th,td{text-align:left;vertical-align:top;padding:.25rem 1rem .25rem 0;border-bottom:1px solid #e3e6e8}
th{font-weight:600}nav{color:#555}a{color:#0b5cad}
@media(prefers-color-scheme:dark){body{color:#e6e8ea;background:#16191c}
code,pre{background:#22272b}th,td{border-color:#343a40}a{color:#7db7f5}nav{color:#aaa}}`;

/** title: text. body: HTML, with its own heading. */
export function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style></head>
<body>${body}</body></html>
`;
}
