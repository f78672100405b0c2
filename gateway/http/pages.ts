import fs from "node:fs";
import path from "node:path";
import type { Registry } from "prom-client";
import { PACKAGE_ROOT } from "../package-root.ts";
import type { HttpHandler, HttpRequest, HttpResponse } from "../transport/transport.ts";
import type { ServerStatus } from "./server-status.ts";

const JSON_TYPE = "application/json; charset=utf-8";
const TEXT_TYPE = "text/plain; charset=utf-8";
const HTML_TYPE = "text/html; charset=utf-8";

/** Documents under /docs, by name; read from the project's docs folder when asked for. */
const DOCS_FOLDER = path.join(PACKAGE_ROOT, "docs");
const DOC_NAME = /^[a-z0-9-]{1,60}\.md$/;

/** /healthz, /readyz, /metrics, /docs and a page that leads to them. */
export function createPages(status: () => ServerStatus, metrics: Registry): HttpHandler {
  return (request) => {
    switch (request.path) {
      case "/healthz":
        return json(200, status());
      case "/readyz":
        return readiness(status());
      case "/metrics":
        return exposition(metrics);
      case "/":
        return { status: 200, contentType: HTML_TYPE, body: frontPage(status()) };
      default:
        return document(request);
    }
  };
}

function json(code: number, body: unknown): HttpResponse {
  return { status: code, contentType: JSON_TYPE, body: `${JSON.stringify(body)}\n` };
}

function readiness(status: ServerStatus): HttpResponse {
  return json(status.state === "ready" ? 200 : 503, { state: status.state });
}

async function exposition(metrics: Registry): Promise<HttpResponse> {
  return { status: 200, contentType: metrics.contentType, body: await metrics.metrics() };
}

function document(request: HttpRequest): HttpResponse {
  if (request.path === "/docs" || request.path === "/docs/") {
    const links = docNames().map((name) => `<li><a href="/docs/${name}">${name}</a></li>`);
    return {
      status: 200,
      contentType: HTML_TYPE,
      body: page("Documents", `<ul>${links.join("")}</ul>`),
    };
  }
  const name = request.path.startsWith("/docs/") ? request.path.slice("/docs/".length) : "";
  if (DOC_NAME.test(name) && docNames().includes(name)) {
    return {
      status: 200,
      contentType: TEXT_TYPE,
      body: fs.readFileSync(path.join(DOCS_FOLDER, name)),
    };
  }
  return { status: 404, contentType: TEXT_TYPE, body: `nothing at ${request.path}\n` };
}

function docNames(): string[] {
  if (!fs.existsSync(DOCS_FOLDER)) return [];
  return fs.readdirSync(DOCS_FOLDER).filter((name) => DOC_NAME.test(name));
}

function frontPage(status: ServerStatus): string {
  const rows = [
    ["state", status.state],
    ["version", status.version],
    ["last seq", String(status.lastSeq)],
    ["durability", status.durability],
    ["transport", status.transport],
    ["Redis", status.redis.state],
  ].map(([name, value]) => `<tr><th>${name}</th><td>${value}</td></tr>`);
  return page(
    "Crossbook",
    `<table>${rows.join("")}</table>
<p>Trading: <code>/v1/trade</code>, market data: <code>/v1/market</code> (WebSocket).</p>
<p><a href="/healthz">health</a>, <a href="/readyz">readiness</a>, <a href="/metrics">metrics</a>,
<a href="/docs">documents</a></p>`,
  );
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${title}</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:48rem;margin:2rem auto;padding:0 1rem}
th{text-align:left;padding-right:2rem;font-weight:400;color:#555}</style></head>
<body><h1>${title}</h1>${body}</body></html>
`;
}
