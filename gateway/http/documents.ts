// /docs: the project's documents as pages for people, and as the files that they are.
import fs from "node:fs";
import path from "node:path";
import { PACKAGE_ROOT } from "../package-root.ts";
import type { HttpResponse } from "../transport/transport.ts";
import { renderMarkdown } from "./markdown.ts";
import { HTML_TYPE, JSON_TYPE, page, TEXT_TYPE } from "./page.ts";

const FOLDER = path.join(PACKAGE_ROOT, "docs");
/** Also those in folders of their own: /docs/decisions/0002-risk-verdicts. */
const NAME = /^(?:[a-z0-9-]{1,40}\/)?[a-z0-9-]{1,60}$/;
const API_DESCRIPTION = "asyncapi.json";

/** Before all others, in this order. */
const FIRST = ["api", "client", "security", "wire-format"];

interface Document {
  /** Without ".md". */
  readonly name: string;
  readonly title: string;
}

/** What was asked for once: the documents do not change, and orders share the thread with readers. */
const seen = new Map<string, HttpResponse>();

/** null: there is no such document. `requestPath` starts with "/docs". */
export function documentAt(requestPath: string): HttpResponse | null {
  const found = seen.get(requestPath) ?? find(requestPath);
  if (found !== null) seen.set(requestPath, found);
  return found;
}

function find(requestPath: string): HttpResponse | null {
  if (requestPath === "/docs" || requestPath === "/docs/") return contents();
  const name = requestPath.slice("/docs/".length);
  if (name === API_DESCRIPTION) return file(API_DESCRIPTION, JSON_TYPE);
  if (name.endsWith(".md")) {
    return isDocument(name.slice(0, -3)) ? file(name, TEXT_TYPE) : null;
  }
  return isDocument(name) ? rendered(name) : null;
}

function isDocument(name: string): boolean {
  return NAME.test(name) && names().includes(name);
}

function names(): string[] {
  if (!fs.existsSync(FOLDER)) return [];
  return fs
    .readdirSync(FOLDER, { recursive: true, encoding: "utf8" })
    .map((name) => name.split(path.sep).join("/"))
    .filter((name) => name.endsWith(".md") && NAME.test(name.slice(0, -3)))
    .map((name) => name.slice(0, -3))
    .sort();
}

function file(name: string, contentType: string): HttpResponse | null {
  const full = path.join(FOLDER, name);
  if (!fs.existsSync(full)) return null;
  return { status: 200, contentType, body: fs.readFileSync(full) };
}

function rendered(name: string): HttpResponse {
  const { title, html } = renderMarkdown(read(name), (target) => linkFrom(name, target));
  const top = `<nav><a href="/">Crossbook</a> · <a href="/docs">documents</a> · <a href="/docs/${name}.md">as text</a></nav>`;
  return { status: 200, contentType: HTML_TYPE, body: page(title, `${top}\n<main>${html}</main>`) };
}

/** To other documents by their pages; files that are none of them have no link. */
function linkFrom(name: string, target: string): string {
  const [file = "", fragment] = target.split("#");
  if (file === "" || file.includes(":")) return target;
  const full = path.posix.join(path.posix.dirname(name), file);
  const there = full.endsWith(".md") ? full.slice(0, -3) : full;
  if (there !== API_DESCRIPTION && !isDocument(there)) return "";
  return fragment === undefined ? `/docs/${there}` : `/docs/${there}#${fragment}`;
}

function contents(): HttpResponse {
  const documents = names().map((name): Document => ({ name, title: titleOf(name) }));
  const rank = ({ name }: Document) => {
    const place = FIRST.indexOf(name);
    return place < 0 ? FIRST.length : place;
  };
  documents.sort((a, b) => rank(a) - rank(b));
  const list = (items: readonly Document[]) =>
    items.map(({ name, title }) => `<li><a href="/docs/${name}">${title}</a></li>`).join("\n");
  const decisions = documents.filter(({ name }) => name.includes("/"));
  const pages = documents.filter(({ name }) => !name.includes("/"));
  const body = `<nav><a href="/">Crossbook</a></nav>
<main><h1>Documents</h1>
<ul>${list(pages)}</ul>
<p><a href="/docs/${API_DESCRIPTION}">The API in AsyncAPI 3</a>, for programs.</p>
<h2>Decisions</h2><ul>${list(decisions)}</ul></main>`;
  return { status: 200, contentType: HTML_TYPE, body: page("Documents", body) };
}

/** As HTML. */
function titleOf(name: string): string {
  const first = read(name)
    .split("\n")
    .find((line) => line.startsWith("# "));
  if (first === undefined) return name;
  const { html } = renderMarkdown(first);
  return html.replace(/<\/?h1[^>]*>/g, "");
}

function read(name: string): string {
  return fs.readFileSync(path.join(FOLDER, `${name}.md`), "utf8");
}
